"""The page of the panel that shows what was done, as the journal keeps it."""
