"""Entries of the catalogue made from what is there: folders on the host, and `docker run` lines."""
