"""The settings: what the person chooses, and where it is kept."""
