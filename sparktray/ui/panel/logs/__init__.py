"""The page of the panel that shows the log of a server's container as it grows."""
