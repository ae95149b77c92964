"""What a keyring may fail with, as problems a person can be shown."""

from __future__ import annotations

from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem

_LOCKED = {"KeyringLocked", "LockedException", "PromptDismissedException"}
_MISSING = {"NoKeyringError", "SecretServiceNotAvailableException", "ImportError", "OSError", "EOFError"}


class KeyringUnavailable(Exception):
    """The keyring did not do it; ``problem`` says why. The secret is then asked for each time.

    Codes: ``keyring-missing``, ``keyring-locked``, ``keyring-silent``, ``keyring-refused``,
    ``keyring-too-long``. Holds no secret, and no error of a library, whose text might.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code, problem.technical)
        self.problem = problem


def problem_of(error: BaseException) -> Problem:
    """What an error of the libraries means, judged by names: they are imported late, and not everywhere.

    Its texts are left out, as one might quote what was to be stored; numbers and D-Bus names are kept.
    """
    names: set[str] = set()
    facts: list[str] = []
    link: BaseException | None = error
    while link is not None:
        names |= {each.__name__ for each in type(link).__mro__}
        numbers = [value for value in link.args if isinstance(value, int)]
        words = [type(link).__name__, getattr(link, "name", None), *numbers]
        facts.append(" ".join(str(word) for word in words if word is not None))
        link = link.__cause__
    technical = ", ".join(facts)
    if names & _LOCKED:
        return locked(technical)
    if "TimeoutError" in names:  # is an OSError too
        return silent(technical)
    return missing(technical) if names & _MISSING else refused(technical)


def missing(technical: str) -> Problem:
    """There is no keyring, or it went away."""
    return Problem(
        "keyring-missing",
        phrase("No keyring is running on this computer, so nothing secret can be stored."),
        phrase(
            "Secrets are asked for each time. On Linux, GNOME Keyring, KDE Wallet or KeePassXC keep them."
        ),
        technical,
    )


def locked(technical: str) -> Problem:
    """It is locked and was not unlocked."""
    return Problem(
        "keyring-locked",
        phrase("The keyring is locked."),
        phrase("Unlock it and try again; until then secrets are asked for each time."),
        technical,
    )


def silent(technical: str) -> Problem:
    """It did not answer in time."""
    return Problem(
        "keyring-silent",
        phrase("The keyring does not answer."),
        phrase("Log out and in again, or restart it; until then secrets are asked for each time."),
        technical,
    )


def refused(technical: str) -> Problem:
    """It answered with an error, or did not keep what it was given."""
    return Problem(
        "keyring-refused",
        phrase("The keyring did not do what it was asked."),
        phrase("Secrets are asked for each time. Look whether the keyring's own program shows a fault."),
        technical,
    )


def too_long(most: int) -> Problem:
    """The value is longer than ``most`` UTF-16 units."""
    return Problem(
        "keyring-too-long",
        phrase("The secret is too long for a keyring, which takes {most} characters.", most=most),
        phrase("Leave a key in its file and store only its passphrase."),
    )


def unstorable() -> Problem:
    """The value holds what is no character."""
    return Problem(
        "keyring-refused",
        phrase("The secret holds bytes that are no characters, which no keyring can store."),
        phrase("Type it again, in a terminal that is set to UTF-8."),
    )
