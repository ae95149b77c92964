"""Where a command's text goes and how the person there ends it: this process, or one behind the door."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol


class Terminal(Protocol):
    """Where one command writes. Only the thread that runs the command calls it.

    A reader of stdout that went away raises BrokenPipeError; what is written is flushed.
    """

    @property
    def encoding(self) -> str:
        """Of stdout."""
        ...

    @property
    def redraws(self) -> tuple[bool, bool]:
        """Whether stdout and stderr are terminals, in which text can be drawn over."""
        ...

    @property
    def columns(self) -> int:
        """The width of stderr's terminal, 0 when it is not known."""
        ...

    def out(self, text: str) -> None:
        """Write text to stdout; what it cannot show becomes a question mark."""
        ...

    def exact(self, content: bytes) -> None:
        """Write these bytes to stdout."""
        ...

    def err(self, text: str) -> None:
        """Write text to stderr. Raises OSError when nobody reads it."""
        ...

    def check(self) -> None:
        """Raise what ends the command, KeyboardInterrupt above all; called again and again while it waits."""
        ...

    def breaking(self, end: Callable[[], None]) -> AbstractContextManager[None]:
        """Within, ``end`` is called to end a reading that waits, as soon as ``check`` would raise."""
        ...


class OutputLost(Exception):
    """What stdout leads to takes no more, a full disk for example; the reason is the system's own word."""


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputLost(error.strerror or str(error)) from None


class Console:
    """The terminal of this process, to which Ctrl-C comes as KeyboardInterrupt by itself."""

    @property
    def encoding(self) -> str:
        """See `Terminal`."""
        return getattr(sys.stdout, "encoding", None) or "ascii"

    @property
    def redraws(self) -> tuple[bool, bool]:
        """See `Terminal`."""
        return sys.stdout.isatty(), sys.stderr.isatty()

    @property
    def columns(self) -> int:
        """See `Terminal`."""
        try:
            return os.get_terminal_size(sys.stderr.fileno()).columns
        except (OSError, ValueError):
            return 0

    def out(self, text: str) -> None:
        """See `Terminal`."""
        with _writing():
            sys.stdout.write(text)
            sys.stdout.flush()

    def exact(self, content: bytes) -> None:
        """See `Terminal`."""
        with _writing():
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()

    def err(self, text: str) -> None:
        """See `Terminal`."""
        sys.stderr.write(text)
        sys.stderr.flush()

    def check(self) -> None:
        """See `Terminal`."""

    def breaking(self, end: Callable[[], None]) -> AbstractContextManager[None]:
        """See `Terminal`."""
        return nullcontext()
