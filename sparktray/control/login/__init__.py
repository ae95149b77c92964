"""What a login needs: the secrets, and a key of its own for this computer."""
