"""The one owner of the snapshot, and the lanes that do the slow work for it."""
