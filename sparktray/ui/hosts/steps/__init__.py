"""The four steps of the assistant."""
