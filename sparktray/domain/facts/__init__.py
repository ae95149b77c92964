"""What is read off a host: its vital signs, and the facts that a plan needs."""
