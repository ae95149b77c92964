"""How an operation goes on: step by step forward, and back again when one fails."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from sparktray.decide.changing.awaiting import Judgement, judge_wait
from sparktray.decide.changing.fetching import further
from sparktray.decide.changing.plan import Asker, Plan, changed, plan
from sparktray.decide.changing.preflight import may
from sparktray.decide.changing.steps import changes_nothing, pending, way_back
from sparktray.decide.containers import merged, proven
from sparktray.decide.effects import Effect, Interrupt, Journal, Perform, RememberLoad, TakeSurvey
from sparktray.decide.memory.reckoning import sum_for
from sparktray.decide.servers import assign
from sparktray.domain.action import Waiting
from sparktray.domain.events import (
    CancelAsked,
    FoundInterrupted,
    StepDone,
    StepFailed,
    StepSaid,
    Surveyed,
    Wished,
)
from sparktray.domain.facts.survey import Survey
from sparktray.domain.host import HostProfile
from sparktray.domain.operation import (
    BackWish,
    ForgetWish,
    Operation,
    OperationEnd,
    OperationKind,
    RestoreWish,
    Step,
    StepName,
    StepRun,
    StepState,
    StopWish,
    SwitchWish,
    WipeWish,
    Wish,
)
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Failure, Problem
from sparktray.domain.snapshot import LinkPhase, Snapshot

Outcome = tuple[Snapshot, tuple[Effect, ...]]

# A Spark that thrashes or reboots is back after a few minutes; longer, and a person must look.
PATIENCE_SECONDS = 300.0
# The end of a link is told a moment after the step that it broke; trying at once would be in vain.
RETRY_SECONDS = 0.5


def wished(snapshot: Snapshot, event: Wished, now: float) -> Outcome:
    """Begin an operation by looking at the host; a wish that may not be is refused at once."""
    if snapshot.active is not None:
        return snapshot, ()
    operation = Operation(event.number, event.id, event.wish, _kind(event.wish), now)
    problem = may(snapshot, event.wish)
    if problem is not None:
        return _over(snapshot, operation, OperationEnd.REFUSED, now, failed(problem, now))
    return replace(snapshot, operation=operation), (TakeSurvey(event.number, event.wish),)


def _kind(wish: Wish) -> OperationKind:
    match wish:
        case SwitchWish():
            return OperationKind.SWITCH
        case StopWish():
            return OperationKind.STOP
        case BackWish():
            return OperationKind.BACK
        case WipeWish():
            return OperationKind.WIPE
        case RestoreWish():
            return OperationKind.RESTORE
        case ForgetWish():
            return OperationKind.FORGET
        case _:  # pragma: no cover
            assert_never(wish)


def found_interrupted(snapshot: Snapshot, event: FoundInterrupted) -> Snapshot:
    """What the journal knows of an earlier program's end; what was begun since is newer."""
    return snapshot if snapshot.operation is not None else replace(snapshot, operation=event.operation)


def surveyed(snapshot: Snapshot, event: Surveyed, owner: str, now: float) -> Outcome:
    """Make the plan, and begin with its first step."""
    operation = _of(snapshot, event.number)
    if operation is None or operation.runs:
        return snapshot, ()
    if operation.cancelled:
        return _over(snapshot, operation, OperationEnd.CANCELLED, now, None)
    operation = replace(operation, memory=sum_for(snapshot, operation.wish, event.survey))
    made = _planned(snapshot, operation, event.survey, owner)
    if isinstance(made, Problem):
        return _over(snapshot, operation, OperationEnd.REFUSED, now, failed(made, now))
    fresh = replace(
        operation,
        server=made.server,
        model=made.model,
        runs=pending(tuple(_as_typed(step, snapshot.host) for step in made.steps)),
        usual_seconds=event.usual_seconds,
    )
    if operation.wish.dry_run:
        return _over(snapshot, fresh, OperationEnd.PLANNED, now, None, journal=False)
    if not made.steps:
        # A way back on which nothing is left to do settles what was broken off all the same.
        settles = isinstance(operation.wish, BackWish)
        return _over(snapshot, fresh, OperationEnd.DONE, now, None, journal=settles)
    return _begin(snapshot, fresh, 0, now)


def _planned(
    snapshot: Snapshot, operation: Operation, survey: Survey | Problem, owner: str
) -> Plan | Problem:
    if isinstance(survey, Problem):
        return survey
    return plan(snapshot, operation.wish, survey, Asker(operation.id, owner))


def _as_typed(step: Step, host: HostProfile) -> Step:
    """A step with the command that a person would type on that host."""
    if not host.sudo:
        return step
    undo = None if step.undo is None else _as_typed(step.undo, host)
    return replace(step, command=("sudo", *step.command) if step.command else (), undo=undo)


def _begin(snapshot: Snapshot, operation: Operation, index: int, now: float) -> Outcome:
    """Start one run, or end the operation when there is none left."""
    if index >= len(operation.runs):
        return _finish(snapshot, operation, now)
    run = replace(
        operation.runs[index], state=StepState.RUNNING, started_at=now, ended_at=None, said="", fetched=None
    )
    begun = replace(_with_run(operation, index, run), index=index, memory_mark=None)
    effects: list[Effect] = [Journal(begun)]
    if not isinstance(run.step.action, Waiting):
        effects.append(Perform(snapshot.sequence, begun.number, index, begun.id, begun.wish, run.step.action))
    return replace(snapshot, operation=begun), tuple(effects)


def step_said(snapshot: Snapshot, event: StepSaid, now: float) -> Snapshot:
    """Show the latest line of a step's output, and how far it is with what it fetches."""
    operation = _of(snapshot, event.number)
    if operation is None or operation.index != event.index or operation.current is None:
        return snapshot
    fetched = further(operation.current.fetched, event.fetched, now)
    run = replace(operation.current, said=event.line, fetched=fetched)
    return replace(snapshot, operation=_with_run(operation, event.index, run))


def step_done(snapshot: Snapshot, event: StepDone, owner: str, now: float) -> Outcome:
    """Go on to the next step, or turn back when the host is not what was planned for."""
    operation = _at(snapshot, event.number, event.index)
    if operation is None:
        return snapshot, ()
    if event.result is not None:
        told = replace(operation.runs[event.index], result=event.result)
        operation = _with_run(operation, event.index, told)
    if event.found is not None:
        snapshot = assign(proven(snapshot, event.found))
    if event.survey is not None:
        seen = merged(snapshot, event.asked, event.containers)
        snapshot = assign(replace(snapshot, containers=seen))
        again = _planned(snapshot, operation, event.survey, owner)
        before = Plan(tuple(r.step for r in operation.runs if not r.back), operation.server)
        problem = changed(before, again)
        if problem is not None:
            return _fail(snapshot, operation, failed(problem, now), now)
    return _advance(snapshot, operation, now)


def _advance(snapshot: Snapshot, operation: Operation, now: float) -> Outcome:
    index = operation.index
    run = replace(operation.runs[index], state=StepState.DONE, ended_at=now)
    done = _with_run(operation, index, run)
    if run.step.name is StepName.RELEASE and not run.back:
        done = replace(done, free_level=snapshot.vitals.available_bytes)
    if done.cancelled and not done.going_back and _can_turn(done):
        return _turn_back(snapshot, done, None, now)
    after, effects = _begin(snapshot, done, index + 1, now)
    return after, (*_remembered(done, run, now), *effects)


def _remembered(operation: Operation, run: StepRun, now: float) -> tuple[Effect, ...]:
    """How long a load took, for the next time; one that goes back tells of another model."""
    if run.step.name is not StepName.LOAD or run.back or operation.model is None or operation.server is None:
        return ()
    # Ollama loads within the step before; a load begun by somebody else tells nothing of its length.
    began = [r.started_at for r in operation.runs if r.step.name is StepName.START and not r.back]
    if not began or began[-1] is None:
        return ()
    return (RememberLoad(operation.model, operation.server, now - began[-1]),)


def step_failed(snapshot: Snapshot, event: StepFailed, now: float) -> Outcome:
    """Take back what was done; when only the link broke, wait for it and do the step again."""
    operation = _at(snapshot, event.number, event.index)
    if operation is None:
        return snapshot, ()
    if event.lost:
        waiting = replace(operation.runs[operation.index], state=StepState.WAITING, ended_at=now)
        return replace(snapshot, operation=_with_run(operation, operation.index, waiting)), ()
    return _fail(snapshot, operation, failed(event.problem, now), now)


def _fail(snapshot: Snapshot, operation: Operation, failure: Failure, now: float) -> Outcome:
    index = operation.index
    run = replace(operation.runs[index], state=StepState.FAILED, ended_at=now)
    broken = _with_run(operation, index, run)
    if not broken.going_back:
        if run.step.name in {StepName.COMMIT, StepName.UNLOCK}:
            # The model serves; what could not be tidied up is said and left to the next switch.
            return _begin(snapshot, replace(broken, failure=failure), index + 1, now)
        return _turn_back(snapshot, broken, None if broken.cancelled else failure, now)
    rest = [r for r in broken.runs[index + 1 :] if r.step.name is StepName.UNLOCK]
    shortened = replace(broken, runs=(*broken.runs[: index + 1], *rest), failure=broken.failure or failure)
    return _begin(snapshot, shortened, index + 1, now)


def _turn_back(snapshot: Snapshot, operation: Operation, failure: Failure | None, now: float) -> Outcome:
    """Drop what was to come and add what takes back what was begun."""
    begun = tuple(_broken_off(r, now) for r in operation.runs if r.begun)
    server = snapshot.catalogue.server(operation.server or "")
    back = way_back(begun, server)
    keeps = isinstance(operation.wish, SwitchWish) and not operation.wish.rollback and not operation.cancelled
    if keeps:
        back = tuple(r for r in back if r.step.name is StepName.UNLOCK)
    turned = replace(operation, runs=(*begun, *back), failure=failure)
    return _begin(snapshot, turned, len(begun), now)


def _broken_off(run: StepRun, now: float) -> StepRun:
    over = run.state in {StepState.DONE, StepState.FAILED}
    return run if over else replace(run, state=StepState.FAILED, ended_at=now)


def _finish(snapshot: Snapshot, operation: Operation, now: float) -> Outcome:
    forward = [r for r in operation.runs if not r.back]
    back = [r for r in operation.runs if r.back]
    complete = all(r.state is StepState.DONE or r.step.name in _TIDYING for r in forward)
    if complete and not operation.cancelled:
        return _over(snapshot, operation, OperationEnd.DONE, now, operation.failure)
    return _over(snapshot, operation, _end_of(operation, forward, back), now, operation.failure)


_TIDYING = {StepName.COMMIT, StepName.UNLOCK}


def _end_of(operation: Operation, forward: list[StepRun], back: list[StepRun]) -> OperationEnd:
    if any(r.state is StepState.FAILED and r.step.name is not StepName.UNLOCK for r in back):
        return OperationEnd.NEEDS_YOU
    if operation.cancelled:
        return OperationEnd.CANCELLED
    if changes_nothing(forward):
        return OperationEnd.REFUSED
    revived = any(r.step.name is StepName.LOAD or r.step.name is StepName.START for r in back)
    return OperationEnd.ROLLED_BACK if revived else OperationEnd.FAILED


def cancel_asked(snapshot: Snapshot, event: CancelAsked, now: float) -> Outcome:
    """Turn back as soon as the step under way allows it; too late once the old one is removed."""
    operation = _of(snapshot, event.number)
    if operation is None or not can_cancel(operation):
        return snapshot, ()
    asked = replace(operation, cancelled=True)
    current = asked.current
    if current is None:
        return replace(snapshot, operation=asked), ()
    if isinstance(current.step.action, Waiting) or current.state is StepState.WAITING:
        return _turn_back(snapshot, asked, None, now)
    return replace(snapshot, operation=asked), (Interrupt(asked.number, asked.index),)


def can_cancel(operation: Operation) -> bool:
    """True while an operation under way may still be asked to turn back; asked by menu and reducer."""
    return not operation.cancelled and not operation.going_back and _can_turn(operation)


def _can_turn(operation: Operation) -> bool:
    """False from the first step on that removes what was put aside."""
    return not any(r.step.name in _TIDYING and r.begun for r in operation.runs)


def go_on(snapshot: Snapshot, now: float) -> Outcome:
    """Judge a step that waits for the host, and take up one that a lost link interrupted."""
    operation = snapshot.active
    current = operation.current if operation is not None else None
    if operation is None or current is None:
        return snapshot, ()
    if snapshot.link is not LinkPhase.CONNECTED:
        return _without_link(snapshot, operation, now)
    if current.state is StepState.WAITING:
        return _take_up(snapshot, operation, current, now)
    action = current.step.action
    if not isinstance(action, Waiting):
        return snapshot, ()
    verdict = judge_wait(snapshot, operation, action, now)
    marked = replace(operation, memory_mark=verdict.memory_mark)
    match verdict.judgement:
        case Judgement.WAIT:
            return replace(snapshot, operation=marked), ()
        case Judgement.DONE:
            return _advance(snapshot, marked, now)
        case Judgement.FAILED:
            assert verdict.failure is not None  # noqa: S101  a failed verdict always says why
            return _fail(snapshot, marked, verdict.failure, now)


def _take_up(snapshot: Snapshot, operation: Operation, current: StepRun, now: float) -> Outcome:
    """A step that a lost link broke off is done again, or taken back when that was asked for."""
    if operation.cancelled and not operation.going_back and _can_turn(operation):
        return _turn_back(snapshot, operation, None, now)
    if current.ended_at is not None and now < current.ended_at + RETRY_SECONDS:
        return snapshot, ()
    return _begin(snapshot, operation, operation.index, now)


def _without_link(snapshot: Snapshot, operation: Operation, now: float) -> Outcome:
    """The remote work goes on by itself for a while; then a person has to look."""
    since = snapshot.link_since
    gone = snapshot.link is LinkPhase.BLOCKED or (since is not None and now - since > PATIENCE_SECONDS)
    if not gone:
        return snapshot, ()
    problem = Problem(
        "link-lost",
        phrase("The connection to {host} was lost in the middle of the operation.", host=snapshot.host.name),
        phrase("When it is back, look at the status: what was begun on the host may have gone on."),
    )
    end = OperationEnd.FAILED if changes_nothing(operation.runs) else OperationEnd.NEEDS_YOU
    return _over(snapshot, operation, end, now, failed(problem, now))


def failed(problem: Problem, now: float) -> Failure:
    """A problem as the failure of an operation; the technical text becomes its log tail."""
    lines = tuple(line for line in problem.technical.splitlines() if line)[-20:]
    return Failure(problem.code, problem.cause, problem.remedy, lines, now)


def _over(
    snapshot: Snapshot,
    operation: Operation,
    end: OperationEnd,
    now: float,
    failure: Failure | None,
    *,
    journal: bool = True,
) -> Outcome:
    ended = replace(operation, end=end, ended_at=now, failure=failure)
    told = bool(ended.runs) or end is OperationEnd.DONE
    written: tuple[Effect, ...] = (Journal(ended),) if journal and told else ()
    return replace(snapshot, operation=ended), written


def _of(snapshot: Snapshot, number: int) -> Operation | None:
    """The operation a result belongs to, None when it is over or another one."""
    active = snapshot.active
    return active if active is not None and active.number == number else None


def _at(snapshot: Snapshot, number: int, index: int) -> Operation | None:
    operation = _of(snapshot, number)
    if operation is None or operation.index != index or operation.current is None:
        return None
    return operation if operation.current.state is StepState.RUNNING else None


def _with_run(operation: Operation, index: int, run: StepRun) -> Operation:
    return replace(operation, runs=(*operation.runs[:index], run, *operation.runs[index + 1 :]))
