"""What went wrong, in a form that menu, panel and command line can all show."""

from __future__ import annotations

import msgspec

from sparktray.domain.phrase import Phrase


class Problem(msgspec.Struct, frozen=True):
    """Something that does not work: a fixed code word, one sentence, one remedy, technical detail."""

    code: str
    cause: Phrase
    remedy: Phrase
    technical: str = ""


class Failure(msgspec.Struct, frozen=True):
    """Why a server or an operation failed, with the last log lines; ``at`` is seconds since 1970."""

    code: str
    cause: Phrase
    remedy: Phrase
    log_tail: tuple[str, ...] = ()
    at: float | None = None
