"""What clients are given: the ID, the URL, whole settings, a way through the connection."""
