"""`switch` and `stop`: a wish, its steps, its end."""

from __future__ import annotations

import argparse
import shlex

from msgspec.structs import replace

from sparktray.cli.choosing import check_server
from sparktray.cli.problems import DONE, REFUSED, Told, exit_of_operation
from sparktray.cli.progress import Progress
from sparktray.cli.request import Request, Session, watching
from sparktray.cli.views import operation_view
from sparktray.decide.changing.preflight import chosen_server, may
from sparktray.decide.clients.reach import direct_url
from sparktray.decide.identity import running_on
from sparktray.decide.memory.words import sum_lines
from sparktray.decide.showing.present import operation_sentence
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.host import HostProfile
from sparktray.domain.operation import (
    BackWish,
    ForgetWish,
    Operation,
    OperationEnd,
    RestoreWish,
    StopWish,
    SwitchWish,
    WhenBusy,
    WipeWish,
    Wish,
)
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import Snapshot, first_snapshot
from sparktray.domain.text import clean_name
from sparktray.store.journal import Journal
from sparktray.store.paths import ConfigFolder

_REDRAW_SECONDS = 0.25


def run(request: Request) -> int:
    """Fulfil the wish and tell its end."""
    wish = _wish(request)

    def possible(catalogue: Catalogue, host: HostProfile) -> None:
        if wish is None:
            return None
        if isinstance(wish, StopWish):
            return check_server(catalogue, wish.server)
        chosen = chosen_server(first_snapshot(host, catalogue), wish)
        if isinstance(chosen, Problem):
            raise Told(chosen)
        return None

    with watching(request, possible, keep_trying=True) as session:
        session.settled()
        wanted = wish if wish is not None else _going_on(request, session)
        if wanted is None:
            request.out.line(request.say(phrase("Nothing was broken off.")))
            return DONE
        snapshot, operation = carried_out(request, session, wanted)
        tell(request, snapshot, operation)
    return exit_of_operation(operation)


def _wish(request: Request) -> SwitchWish | StopWish | None:
    """What was asked for; None where only the journal can tell."""
    options = request.options
    if options.command == "resume":
        return None
    if options.command == "stop":
        busy, down = _when_busy(options), options.stay_down
        return StopWish(options.server, dry_run=options.dry_run, busy=busy, stay_down=down)
    return SwitchWish(
        options.model,
        on=options.on,
        dry_run=options.dry_run,
        replace=options.replace,
        rollback=not options.no_rollback,
        force=options.force,
        make_room=options.make_room,
        busy=_when_busy(options),
        timeout=options.timeout,
        context=options.context,
    )


def _going_on(request: Request, session: Session) -> Wish | None:
    """Finish what was broken off on this host, or go back; None when nothing was."""
    options = request.options
    journal = Journal(ConfigFolder.find(options.config))
    broken = journal.broken_off(session.host.name)
    if broken is None:
        return None
    if options.back:
        return BackWish(broken.id, dry_run=options.dry_run)
    match broken.wish:
        case SwitchWish() | StopWish() | WipeWish() | RestoreWish() | ForgetWish():
            return replace(broken.wish, dry_run=options.dry_run)
        case _:
            return None


def _when_busy(options: argparse.Namespace) -> WhenBusy:
    if options.wait_idle:
        return WhenBusy.WAIT
    return WhenBusy.GO_ON if options.force else WhenBusy.REFUSE


def carried_out(request: Request, session: Session, wish: Wish) -> tuple[Snapshot, Operation]:
    """Ask for it and wait for the end.

    The first Ctrl-C takes back what was begun, the second one ends at once.
    """
    progress = Progress(request.out)
    cancelled = False
    snapshot = session.controller.snapshot
    with session.pictures() as following:
        identity = session.controller.wish(wish)
        while True:
            try:
                snapshot = following(_REDRAW_SECONDS) or snapshot
                operation = snapshot.operation
                if operation is None or operation.id != identity:
                    if session.controller.passed_over(identity):
                        identity = _once_more(session, wish)
                    continue
                progress.show(snapshot, operation)
                if operation.end is not None:
                    return snapshot, operation
            except KeyboardInterrupt:
                if cancelled:
                    raise
                cancelled = True
                session.controller.cancel(identity)
                progress.remark(request.say(_cancelling(session)))


def _once_more(session: Session, wish: Wish) -> str:
    """After another operation was in the way: refused while it still is, else wished again."""
    problem = may(session.controller.snapshot, wish)
    if problem is not None:
        raise Told(problem, REFUSED)
    return session.controller.wish(wish)


def _cancelling(session: Session) -> Phrase:
    if session.shared:
        return phrase("Cancelling: what was begun is taken back. Ctrl-C again ends only this command.")
    return phrase("Cancelling: what was begun is taken back. Ctrl-C again leaves it as it is now.")


def tell(request: Request, snapshot: Snapshot, operation: Operation) -> None:
    """Print the end of an operation, or its plan."""
    out, say = request.out, request.say
    if out.as_json:
        out.json({"operation": operation_view(operation, say)})
    elif operation.end is OperationEnd.PLANNED and operation.runs:
        _tell_plan(request, snapshot, operation)
    elif not operation.runs and operation.failure is None and operation.end is not OperationEnd.CANCELLED:
        out.line(say(_nothing_to_do(operation)))
    else:
        out.line(say(operation_sentence(operation)))
    failure = operation.failure
    if failure is not None and failure.code == "memory-short" and not out.as_json:
        _tell_memory(request, snapshot, operation)
    if failure is not None:
        out.problem(Problem(failure.code, failure.cause, failure.remedy), failure.log_tail)
    if operation.end is OperationEnd.DONE and not out.as_json and isinstance(operation.wish, SwitchWish):
        _tell_address(request, snapshot, operation)


def _nothing_to_do(operation: Operation) -> Phrase:
    if isinstance(operation.wish, StopWish):
        return phrase("Nothing is running there.")
    if not isinstance(operation.wish, SwitchWish):
        return phrase("It all is as it was.")
    return phrase("{model} is ready already.", model=operation.model or operation.wish.model)


def _tell_memory(request: Request, snapshot: Snapshot, operation: Operation) -> None:
    """The sum, in one block."""
    if operation.memory is not None:
        for line in sum_lines(snapshot, operation.memory):
            request.out.line("     " + request.say(line))


def _tell_plan(request: Request, snapshot: Snapshot, operation: Operation) -> None:
    out, say = request.out, request.say
    out.line(say(operation_sentence(operation)))
    _tell_memory(request, snapshot, operation)
    for number, each in enumerate(operation.runs, 1):
        step = each.step
        out.line(f"{number:3}. {say(step.title)}")
        if step.command:
            out.line(f"       {shlex.join(step.command)}")
        if step.proof is not None:
            out.line("       " + say(phrase("proof: {proof}", proof=step.proof)))
        if step.undo is not None:
            undo = shlex.join(step.undo.command) or step.undo.title
            out.line("       " + say(phrase("undo: {undo}", undo=undo)))


def _tell_address(request: Request, snapshot: Snapshot, operation: Operation) -> None:
    state = snapshot.state_of(operation.server or "")
    if state is None:
        return
    out, say = request.out, request.say
    model_id = running_on(snapshot, state).model_id
    if model_id is not None:
        out.line(say(phrase("Model ID: {model_id}", model_id=clean_name(model_id))))
    url = direct_url(snapshot.host, state)
    reached = phrase("Reached by a forward: sparktray forward {server}", server=state.name)
    out.line(say(reached if url is None else phrase("Base URL: {url}", url=url)))
