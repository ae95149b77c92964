"""What lies on the disk and in the keyring of this computer."""
