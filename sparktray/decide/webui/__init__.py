"""What is done to Open WebUI, pure: what a wipe takes, the steps that do it, and the way back."""
