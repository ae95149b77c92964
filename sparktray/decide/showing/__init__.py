"""Pure: what a person is shown of a snapshot, as values and phrases."""
