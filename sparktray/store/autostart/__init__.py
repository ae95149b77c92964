"""Starting with the person's session: an entry where each platform looks for such, off until asked for."""
