"""What a client needs to use a server: settings ready to be pasted, and whether they will work."""
