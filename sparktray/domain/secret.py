"""A secret in memory."""


class Secret:
    """A text that shows as ``***`` wherever it is printed, logged or part of another value."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one call that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "***"
