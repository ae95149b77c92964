"""`logs`: what a server's container printed."""

from __future__ import annotations

from sparktray.cli.choosing import check_server, chosen_server
from sparktray.cli.problems import DONE, FAILED, Told
from sparktray.cli.request import Request, Session, told_of_link, watching
from sparktray.domain.docker.container import Container
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import Phase, ServerState
from sparktray.domain.text import clean_line

_TROUBLED = {Phase.STARTING, Phase.LOADING, Phase.STOPPING, Phase.FAILED, Phase.DEGRADED}


def run(request: Request) -> int:
    """Print the last lines, with ``-f`` go on until the container ends."""
    from sparktray.remote.errors import RemoteError

    name = request.options.server
    with watching(request, lambda catalogue, _: check_server(catalogue, name)) as session:
        state = _server(session, name)
        try:
            _print(request, session, state, _container(state))
        except RemoteError as error:
            from sparktray.control.problems import problem_of

            raise told_of_link(problem_of(error, session.host)) from error
    return DONE


def _server(session: Session, name: str | None) -> ServerState:
    """A named server at once, even when it does not answer; else one that is at work or in trouble."""
    if name is not None:
        return chosen_server(session, session.containers(), name, lambda each: True)
    snapshot = session.settled()
    ready = any(state.ready for state in snapshot.servers)
    return chosen_server(
        session, snapshot, None, lambda each: each.ready if ready else each.phase in _TROUBLED
    )


def _container(state: ServerState) -> Container:
    if state.container is None:
        cause = phrase("{server} has no container on the host.", server=state.name)
        remedy = phrase("Start a model: sparktray switch MODEL")
        raise Told(Problem("container-missing", cause, remedy), FAILED)
    return state.container


def _print(request: Request, session: Session, state: ServerState, container: Container) -> None:
    docker = session.remote().docker
    tail = request.options.tail
    if request.options.follow:
        try:
            with docker.follow_logs(container.id, tail=tail) as lines, session.terminal.breaking(lines.close):
                for line in lines:
                    _print_line(request, state, container, _text(line))
        finally:
            session.check()  # tells what ended it, when the container did not
        return
    texts = [_text(line) for line in docker.logs(container.id, tail=tail)]
    if request.out.as_json:
        request.out.json({"server": state.name, "container": container.name, "lines": texts})
    elif texts:
        request.out.line("\n".join(texts))


def _print_line(request: Request, state: ServerState, container: Container, text: str) -> None:
    if request.out.as_json:
        request.out.json({"server": state.name, "container": container.name, "line": text})
    else:
        request.out.line(text)


def _text(line: bytes) -> str:
    return clean_line(line.decode(errors="replace"))
