"""How far a load is by its log: a table of what a line means, and the rule that it never goes back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sparktray.domain.phrase import Phrase
from sparktray.domain.snapshot import LoadProgress


@dataclass(frozen=True, slots=True)
class Milestone:
    """What a log line says of the load.

    ``pattern`` may have groups ``done`` and ``total``; then the fraction lies that far between
    ``start`` and ``end``, else at ``start``. ``counted`` is the phase with both numbers in it.
    """

    pattern: re.Pattern[str]
    phase: Phrase
    start: float
    end: float = 0.0
    counted: Phrase | None = None

    def read(self, line: str) -> LoadProgress | None:
        """The progress that line tells, None when it tells nothing of this kind."""
        found = self.pattern.search(line)
        if found is None:
            return None
        counts = found.groupdict()
        done, total = int(counts.get("done") or 0), int(counts.get("total") or 0)
        if self.counted is None or not 0 <= done <= total or not total:
            return LoadProgress(self.phase, self.start)
        values = {"done": done, "total": total}
        return LoadProgress(
            Phrase(self.counted.msgid, values), round(self.start + (self.end - self.start) * done / total, 3)
        )


def follow(
    milestones: Sequence[Milestone], lines: Sequence[str], before: LoadProgress | None
) -> LoadProgress | None:
    """The furthest point these lines reach, never behind ``before``.

    Engines load and capture some parts twice (draft models, prefill and decode graphs); a bar that
    jumps back looks broken.
    """
    for line in lines:
        said = next((p for milestone in milestones if (p := milestone.read(line)) is not None), None)
        if said is not None and _fraction(said) >= _fraction(before):
            before = said
    return before


def _fraction(progress: LoadProgress | None) -> float:
    return -1.0 if progress is None or progress.fraction is None else progress.fraction
