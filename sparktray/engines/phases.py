"""How far a load is by its log: a table of what a line means, and the rule that it never goes back."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from sparktray.domain.phrase import Phrase
from sparktray.domain.snapshot import LoadProgress

# What tqdm draws for the loaders of SGLang 0.5.4 to 0.5.23 and vLLM 0.11 to 0.33: their own bar, or (for
# fastsafetensors) tqdm's. vLLM's InstantTensor counts bytes and is left to the lines around it.
WEIGHTS_BAR = re.compile(
    r"(?:Loading (?:safetensors|pt|np_cache)|Multi-thread loading) [^:]*:\s*\d+%"
    r"(?: Completed |\|[^|]*)\| (?P<done>\d{1,9})/(?P<total>\d{1,9}) \["
)
GRAPH_BAR = r"[^:]*:\s*\d+%\|[^|]*\| (?P<done>\d{1,9})/(?P<total>\d{1,9}) \["
"""What follows a description in tqdm's own bar."""


class Milestone(msgspec.Struct, frozen=True):
    """What a log line says of the load.

    ``pattern`` may have groups ``done`` and ``total``; then the fraction lies that far between
    ``start`` and ``end``, else at ``start``. ``counted`` is the phase with both numbers in it. A line
    that comes before the load has reached ``after`` is of a trial run and tells nothing.
    """

    pattern: re.Pattern[str]
    phase: Phrase
    start: float
    end: float = 0.0
    counted: Phrase | None = None
    after: float = 0.0

    def read(self, line: str, reached: float) -> LoadProgress | None:
        """The progress that line tells, None when it tells nothing of this kind."""
        found = self.pattern.search(line) if reached >= self.after else None
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
    """What the load does by the last of these lines, and the furthest point it has reached.

    Engines load and capture some parts twice (draft models, prefill and decode graphs): the phase then
    says what is being done, while a bar that jumps back would look broken. What is ready stays so.
    """
    for line in lines:
        reached = _fraction(before)
        if reached >= 1.0:
            return before
        said = next((p for each in milestones if (p := each.read(line, reached)) is not None), None)
        if said is not None:
            before = LoadProgress(said.phase, max(_fraction(said), reached))
    return before


def _fraction(progress: LoadProgress | None) -> float:
    return 0.0 if progress is None or progress.fraction is None else progress.fraction
