"""A picture of the host as a few quiet lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sparktray.cli.output import Output
from sparktray.cli.views import other_containers
from sparktray.decide.conflicts import conflicts
from sparktray.decide.identity import running_on
from sparktray.decide.showing.present import engine_name, operation_sentence, shown_name, state_sentence
from sparktray.decide.showing.words import phase_word, span
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.host import folder_name
from sparktray.domain.operation import OperationEnd
from sparktray.domain.phrase import phrase
from sparktray.domain.snapshot import Phase, ServerState, Snapshot
from sparktray.domain.text import clean_name
from sparktray.wording import Wording

GIB = 1 << 30
_MARKS = {
    Phase.READY: ("●", "*"),
    Phase.BUSY: ("●", "*"),
    Phase.STARTING: ("◐", "~"),
    Phase.LOADING: ("◐", "~"),
    Phase.STOPPING: ("◐", "~"),
    Phase.DEGRADED: ("▲", "!"),
    Phase.FAILED: ("✗", "x"),
    Phase.IDLE: ("○", "-"),
    Phase.UNKNOWN: ("○", "?"),
}


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """The rows with their columns under one another."""
    table = [list(row) for row in rows]
    count = max((len(row) for row in table), default=0)
    widths = [max((len(row[i]) for row in table if i < len(row)), default=0) for i in range(count)]
    return ["  ".join(cell.ljust(widths[i]) for i, cell in enumerate(row)).rstrip() for row in table]


def status_lines(snapshot: Snapshot, out: Output) -> list[str]:
    """The sentence, a line a server with what is wrong beneath it, the rest of the host."""
    say = out.say
    rows = aligned(server_row(snapshot, state, out) for state in snapshot.servers)
    lines = [say(state_sentence(snapshot)), ""]
    for row, state in zip(rows, snapshot.servers, strict=True):
        lines += [row, *(f"     {text}" for text in server_remarks(snapshot, state, say))]
    lines += conflict_lines(snapshot, say)
    lines += ["", vitals_line(snapshot.vitals, say)]
    operation = snapshot.operation
    if operation is not None and operation.end is OperationEnd.INTERRUPTED and operation.failure is not None:
        lines += ["", say(operation_sentence(operation))]
        lines += [say(operation.failure.cause), say(operation.failure.remedy)]
    others = ", ".join(clean_name(each.name) for each in other_containers(snapshot) if each.running)
    if others:
        lines.append(say(phrase("Also running: {names}", names=others)))
    return lines


def conflict_lines(snapshot: Snapshot, say: Wording) -> list[str]:
    """What stands in each other's way, each with the command that resolves it."""
    lines = []
    for each in conflicts(snapshot):
        lines += ["", say(each.sentence), f"     {each.way_out.command}"]
    return lines


def server_row(snapshot: Snapshot, state: ServerState, out: Output) -> list[str]:
    """Mark, server, engine and port, state, model, context."""
    say = out.say
    fancy, plain = _MARKS[state.phase]
    running = running_on(snapshot, state)
    known = running.model is not None or running.model_id is not None
    context = running.context_length
    return [
        fancy if out.shows(fancy) else plain,
        state.name,
        f"{engine_name(state.server.engine)}:{state.server.port}",
        say(phase_word(state.phase)),
        shown_name(running, state) if known else "-",
        "" if context is None else say(phrase("{count} tokens", count=context)),
    ]


def server_remarks(snapshot: Snapshot, state: ServerState, say: Wording) -> list[str]:
    """What does not fit into the row: names that differ, progress, a failure with its remedy."""
    running = running_on(snapshot, state)
    remarks = []
    if running.misnamed and running.model_id is not None:
        mounted = running.model.id if running.model is not None else folder_name(running.model_path or "")
        remarks.append(
            say(
                phrase(
                    "Its model ID is {model_id}, but {model} is what is loaded.",
                    model_id=clean_name(running.model_id),
                    model=clean_name(mounted),
                )
            )
        )
    if state.phase is Phase.LOADING and state.progress is not None:
        remarks.append(progress_text(say(state.progress.phase), state.progress.fraction))
    if running.until is not None and state.read_at is not None and running.until > state.read_at:
        left = span(running.until - state.read_at)
        remarks.append(say(phrase("Ollama gives it up in {duration} unless it is asked.", duration=left)))
    if state.contradiction is not None:
        remarks.append(say(state.contradiction))
    if state.failure is not None and state.phase is Phase.FAILED:
        remarks += [say(state.failure.cause), say(state.failure.remedy)]
    return remarks


def progress_text(phase: str, fraction: float | None) -> str:
    """A load phase with its percentage where the engine counts."""
    return phase if fraction is None else f"{phase} {round(100 * fraction)} %"


def vitals_line(vitals: Vitals, say: Wording) -> str:
    """Memory and GPU; what the host does not tell is left out."""
    parts = []
    if vitals.total_bytes is not None and vitals.available_bytes is not None:
        free, total = vitals.available_bytes / GIB, vitals.total_bytes / GIB
        parts.append(say(phrase("Memory: {free} of {total} GiB free", free=free, total=total)))
    gpu = [
        clean_name(vitals.gpu_name or ""),
        *(
            f"{value:.0f} {unit}"
            for value, unit in (
                (vitals.gpu_percent, "%"),
                (vitals.gpu_celsius, "°C"),
                (vitals.gpu_watt, "W"),
            )
            if value is not None
        ),
    ]
    if any(gpu):
        parts.append(say(phrase("GPU: {gpu}", gpu=", ".join(text for text in gpu if text))))
    return "   ".join(parts) or say(phrase("Memory and GPU: not known"))
