"""What Docker says of containers, as values, and whether that is as claimed."""
