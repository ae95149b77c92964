"""The tray and its windows: the only package that imports Qt."""
