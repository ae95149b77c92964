"""Setting up hosts: the first-run assistant, and the settings page that lists them."""
