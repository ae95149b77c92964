"""The page that hands a server to clients: its ID and addresses, settings to paste, the check for Cursor."""
