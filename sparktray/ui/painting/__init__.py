"""Own painting, for what no widget of the platform shows: rows of lists and marks."""
