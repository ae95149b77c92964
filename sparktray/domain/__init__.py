"""Pure values: what the program talks about, without any idea of how it is read or shown."""
