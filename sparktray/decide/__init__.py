"""Pure decisions: what an event changes, what a wish takes, what the person is shown."""
