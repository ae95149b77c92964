"""What the user's own SSH files say, read as OpenSSH reads them. Nothing here ever writes one of them."""
