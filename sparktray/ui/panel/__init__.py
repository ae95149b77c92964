"""The panel: the window in which everything is shown that the tray's menu has no room for."""
