"""`status`: the picture of the host, once or as it changes."""

from __future__ import annotations

import time

from sparktray.cli.problems import DONE
from sparktray.cli.request import SETTLED_SECONDS, Request, Session, no_host, watching
from sparktray.cli.views import Json, status_view
from sparktray.domain.snapshot import Snapshot
from sparktray.store.hosts import HostsFile
from sparktray.store.paths import ConfigFolder

# What moves all the time and is no change of state.
_RESTLESS = ("observed_at", "memory", "gpu")


def run(request: Request) -> int:
    """Print the picture, with ``--watch`` until Ctrl-C."""
    if request.options.watch:
        with watching(request, keep_trying=True) as session:
            return _watch(request, session)
    return _once(request)


def run_alone(request: Request) -> int:
    """`sparktray` without a command: the picture, or how to get to one."""
    if request.live is not None:
        return _once(request)
    hosts = HostsFile(ConfigFolder.find(request.options.config)).load()
    if request.options.host is None and hosts.get() is None:
        problem = no_host()
        if request.out.as_json:
            remedy = request.say(problem.remedy)
            request.out.json({"host": None, "sentence": request.say(problem.cause), "remedy": remedy})
        else:
            request.out.line(request.say(problem.cause))
            request.out.line(request.say(problem.remedy))
        return DONE
    return _once(request)


def _once(request: Request) -> int:
    with watching(request) as session:
        _print(request, session.settled())
    return DONE


def _print(request: Request, snapshot: Snapshot) -> None:
    if request.out.as_json:
        request.out.json(status_view(snapshot, request.say))
        return
    from sparktray.cli.tables import status_lines

    for line in status_lines(snapshot, request.out):
        request.out.line(line)


def _watch(request: Request, session: Session) -> int:
    """The owner's thread only hands pictures over: a slow reader of ours must not hold it up."""
    from sparktray.cli.tables import status_lines

    first = session.settled()
    shown = _steady(status_view(first, request.say))
    last = first
    _print(request, first)
    status_lines(first, request.out)  # loads all that a change needs, so that none of it delays the first
    with session.pictures() as following:
        while True:
            snapshot = following(SETTLED_SECONDS) or last
            view = status_view(snapshot, request.say)
            if _steady(view) == shown:
                continue
            shown = _steady(view)
            if request.out.as_json:
                request.out.json(view)
            else:
                _print_change(request, last, snapshot)
            last = snapshot


def _steady(view: Json) -> Json:
    return {name: value for name, value in view.items() if name not in _RESTLESS}


def _print_change(request: Request, before: Snapshot, after: Snapshot) -> None:
    """The time, the sentence, and the servers that differ; in one write, so that it comes as one."""
    from sparktray.cli.tables import aligned, conflict_lines, server_remarks, server_row
    from sparktray.decide.showing.present import state_sentence

    say = request.say
    lines = [f"{time.strftime('%H:%M:%S')}  {say(state_sentence(after))}"]
    for old, new in zip(before.servers, after.servers, strict=True):
        row = server_row(after, new, request.out)
        remarks = server_remarks(after, new, say)
        if row != server_row(before, old, request.out) or remarks != server_remarks(before, old, say):
            lines += [f"          {text}" for text in (*aligned([row]), *remarks)]
    told = conflict_lines(after, say)
    if told != conflict_lines(before, say):
        lines += [f"          {text}" for text in told if text]
    request.out.line("\n".join(lines))
