"""An operation as it goes on, on stderr."""

from __future__ import annotations

import shlex

from sparktray.cli.output import Output
from sparktray.cli.tables import progress_text
from sparktray.cli.views import step_seconds
from sparktray.control import clock
from sparktray.decide.changing.fetching import amount, course, fraction
from sparktray.decide.showing.checklist import pace
from sparktray.decide.showing.present import operation_sentence
from sparktray.domain.operation import Operation, StepName, StepRun, StepState
from sparktray.domain.phrase import phrase
from sparktray.domain.snapshot import Snapshot

_NARROWEST, _USUAL = 20, 80  # columns


class Progress:
    """Prints each step once it is over; in a terminal also the one under way, redrawn in place."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._say = out.say
        self._silent = out.as_json and not out.verbose
        self._live = not self._silent and out.terminal.redraws[1]
        self._drawn = ""
        self._ended = 0

    def show(self, snapshot: Snapshot, operation: Operation) -> None:
        """Say what is new in this picture; called again and again for the clock to go on."""
        if self._silent:
            return
        for run in operation.runs[self._ended :]:
            if run.state not in {StepState.DONE, StepState.FAILED}:
                break
            self._ended += 1
            self._lasting(self._over(run))
            if self._out.verbose and run.step.command:
                self._lasting(f"    {shlex.join(run.step.command)}")
        if self._live:
            self._draw("" if operation.end is not None else self._under_way(snapshot, operation))

    def remark(self, text: str) -> None:
        """A line in between, also for who wants no progress."""
        self._lasting(text)

    def _lasting(self, text: str) -> None:
        self._draw("")
        self._out.aside(text)

    def _draw(self, text: str) -> None:
        """Put one line in the place of the last one."""
        if text != self._drawn:
            self._out.aside("\r\x1b[2K" + text if self._drawn or text else "", end="")
            self._drawn = text

    def _over(self, run: StepRun) -> str:
        fancy, plain = ("✓", "+") if run.state is StepState.DONE else ("✗", "x")
        title = self._title(run)
        return f"{fancy if self._out.shows(fancy) else plain} {title}  {step_seconds(run) or 0.0:.1f} s"

    def _title(self, run: StepRun) -> str:
        title = self._say(run.step.title)
        return self._say(phrase("Going back: {step}", step=title)) if run.back else title

    def _under_way(self, snapshot: Snapshot, operation: Operation) -> str:
        run = operation.current
        if run is None:
            return self._fitted(self._say(operation_sentence(operation)))
        elapsed = max(0.0, clock.now() - (run.started_at or clock.now()))
        parts = [self._title(run), _clock(elapsed)]
        state = snapshot.state_of(operation.server or "")
        if run.step.name is StepName.LOAD and state is not None:
            if state.progress is not None:
                parts.append(progress_text(self._say(state.progress.phase), state.progress.fraction))
            told = None if run.back else pace(state, elapsed, operation.usual_seconds, clock.now())
            if told is not None:
                parts.append(f"({self._say(told)})")
        elif run.fetched is not None:
            parts.append(progress_text(self._say(amount(run.fetched)), fraction(run.fetched)))
            told = course(run.fetched, clock.now())
            if told is not None:
                parts.append(f"({self._say(told)})")
        elif run.said:
            parts.append(run.said)
        mark = "…" if self._out.shows("…") else "."
        return self._fitted(f"{mark} " + "  ".join(parts))

    def _fitted(self, text: str) -> str:
        """One line of the terminal: a wrapped one could not be redrawn in place."""
        # A pseudo terminal nobody gave a size has 0 columns.
        return text[: max(_NARROWEST, self._out.terminal.columns or _USUAL) - 1]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
