"""The page about Open WebUI: what it holds, what can be deleted, what can be brought back."""
