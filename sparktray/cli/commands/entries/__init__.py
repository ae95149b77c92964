"""`models`, where it makes entries: of what is on the host, and of a docker run line."""
