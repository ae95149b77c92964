"""The clients that settings are made for."""

from __future__ import annotations

from enum import StrEnum


class Client(StrEnum):
    """A client, by its word on the command line."""

    CURSOR = "cursor"
    CONTINUE = "continue"
    CLINE = "cline"
    CLAUDE_CODE = "claude-code"
    OPEN_WEBUI = "open-webui"
    CURL = "curl"
    PYTHON = "python"
    ENV = "env"
