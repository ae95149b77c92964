"""What went wrong, in a form that menu, panel and command line can all show."""

from __future__ import annotations

from dataclasses import dataclass

from sparktray.domain.phrase import Phrase


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not work: a fixed code word, one sentence, one remedy, technical detail."""

    code: str
    cause: Phrase
    remedy: Phrase
    technical: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a server or an operation failed, with the last log lines; ``at`` is seconds since 1970."""

    code: str
    cause: Phrase
    remedy: Phrase
    log_tail: tuple[str, ...] = ()
    at: float | None = None
