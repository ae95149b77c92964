"""The person at this terminal, who is asked for a password when a login needs one."""

from __future__ import annotations

import getpass
import sys
import threading
from collections.abc import Callable

from sparktray.control.login.credentials import LoginQuestion
from sparktray.domain.phrase import phrase
from sparktray.domain.secret import Secret
from sparktray.wording import Wording


class PersonAtTerminal:
    """`AsksForSecrets` on the terminal of this process. ``ask`` runs on the connecting thread, all else on
    the main one.
    """

    def __init__(self, say: Wording) -> None:
        self._say = say
        self._asking = threading.Event()
        self._restore = _terminal_as_it_is()

    @property
    def is_asked(self) -> bool:
        """True while a question stands on the terminal: nothing is late then."""
        return self._asking.is_set()

    def ask(self, question: LoginQuestion) -> Secret | None:
        """See `AsksForSecrets`. An empty answer, or the end of input, is a no."""
        self._asking.set()
        try:
            text = self._typed(question)
            return Secret(text) if text else None
        except EOFError:
            return None
        finally:
            self._asking.clear()

    def keeps(self) -> bool:
        """See `AsksForSecrets`."""
        self._asking.set()
        try:
            sys.stderr.write(self._say(phrase("Keep it in this computer's keyring? [y/N]")) + " ")
            sys.stderr.flush()
            return sys.stdin.readline().strip().lower() in {"y", "yes", "j", "ja"}
        finally:
            self._asking.clear()

    def leave(self) -> None:
        """Ctrl-C in the middle of a question: the terminal shows again what is typed."""
        if self.is_asked:
            self._restore()
            sys.stderr.write("\n")

    def _typed(self, question: LoginQuestion) -> str:
        asked = self._say(question.what)
        if question.prompt:
            asked = f"{asked}: {question.prompt}"
        if question.echo:
            sys.stderr.write(f"{asked} ")
            sys.stderr.flush()
            return sys.stdin.readline().rstrip("\r\n")
        return getpass.getpass(f"{asked}: ", sys.stderr)


def person_at_terminal(say: Wording, *, as_json: bool) -> PersonAtTerminal | None:
    """The person, None where nobody can be asked: in a script, or where JSON is wanted."""
    if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    return PersonAtTerminal(say)


def _terminal_as_it_is() -> Callable[[], None]:
    """What sets this terminal back to how it is now; Windows needs nothing."""
    try:
        import termios
    except ImportError:
        return lambda: None
    here = sys.stdin.fileno()
    settings = termios.tcgetattr(here)
    return lambda: termios.tcsetattr(here, termios.TCSADRAIN, settings)
