"""What is kept of operations that were begun."""
