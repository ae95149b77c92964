"""`secret`: values that models need and only the keyring holds."""
