"""Notifications: what changed from one picture to the next, told by the desktop's own service."""
