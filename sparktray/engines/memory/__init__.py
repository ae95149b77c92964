"""How much memory engines allow themselves: their flags, and their own defaults."""
