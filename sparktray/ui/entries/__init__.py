"""Windows that make entries of the catalogue: of what is on the host, and of a docker run line."""
