"""What a person is told without asking, and when it no longer holds."""
