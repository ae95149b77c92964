"""The operations that the journal keeps, and the one under way."""
