"""The terminal of a command: what it writes there, and the person who sits at it."""
