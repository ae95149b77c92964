"""What clients get: a way to a server, and words about it."""
