"""Readings of the host, each ending in exactly one event. Run on lanes.

Only LinkLost passes through: the link itself tells of its end, which makes every open question void.
"""

from __future__ import annotations

import math

from sparktray.control.problems import problem_of
from sparktray.decide.effects import Probe, ReadContainer, ReadContainers, ReadLogTail
from sparktray.decide.identity import port_held
from sparktray.domain.asking import Answer, Ask, Dialogue, Health, Heard, Reading, Result, Silence
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.docker.answers import inspected, listed
from sparktray.domain.docker.container import LABEL_SERVER, LOCK_NAME, PREVIOUS, Container
from sparktray.domain.events import (
    ContainerRead,
    ContainersRead,
    ContainersUnread,
    Event,
    LogTailRead,
    Probed,
)
from sparktray.domain.host import HostProfile
from sparktray.domain.secret import Secret
from sparktray.domain.text import split_log
from sparktray.engines.registry import ENGINES, engine
from sparktray.remote.contract import Http, Remote
from sparktray.remote.errors import (
    BadAnswer,
    ConnectionRefused,
    DeadlinePassed,
    ForwardingForbidden,
    LinkLost,
    RemoteError,
    TooLarge,
)

TAIL_LINES = 200


def containers_of(remote: Remote, catalogue: Catalogue) -> tuple[Container, ...]:
    """All containers; the details of those that are, were or could be a server, or the lock."""
    found = []
    for container in listed(remote.docker.containers()):
        if not _concerns_us(container, catalogue):
            found.append(container)
            continue
        detailed = inspected(remote.docker.inspect(container.id))
        if detailed is not None:
            found.append(detailed)
    return tuple(found)


def _concerns_us(container: Container, catalogue: Catalogue) -> bool:
    names = {LOCK_NAME, catalogue.open_webui.container}
    for server in catalogue.servers:
        names |= {server.container, server.container + PREVIOUS}
        if port_held(container, server.port):
            return True
    if container.name in names or LABEL_SERVER in container.labels:
        return True
    return any(known.recognises(container) for known in ENGINES.values())


def read_containers(remote: Remote, effect: ReadContainers, catalogue: Catalogue, host: HostProfile) -> Event:
    """A full reading."""
    try:
        return ContainersRead(effect.epoch, effect.asked, containers_of(remote, catalogue))
    except LinkLost:
        raise
    except RemoteError as error:
        return ContainersUnread(effect.epoch, problem_of(error, host))


def read_container(remote: Remote, effect: ReadContainer, host: HostProfile) -> Event:
    """One container, to confirm what an event told; when Docker cannot, everything is read again soon."""
    try:
        found = inspected(remote.docker.inspect(effect.id))
    except LinkLost:
        raise
    except RemoteError as error:
        return ContainersUnread(effect.epoch, problem_of(error, host))
    return ContainerRead(effect.epoch, effect.asked, effect.id, found)


def read_log_tail(remote: Remote, effect: ReadLogTail) -> Event:
    """The last lines of a container that ended; none when Docker cannot give them any more."""
    since = None if effect.since is None else math.floor(effect.since)
    try:
        raw = remote.docker.logs(effect.container, tail=TAIL_LINES, since=since)
    except LinkLost:
        raise
    except RemoteError:
        raw = []
    lines = tuple(line for text in raw for line in split_log(text.decode("utf-8", "replace")))
    return LogTailRead(effect.epoch, effect.server, effect.container, lines[-TAIL_LINES:])


def probe(remote: Remote, effect: Probe, key: Secret | None = None) -> Event:
    """Ask a server how it is; where sshd forbids asking, that stays unknown and is not taken for a load.

    ``key`` is sent along to an engine that asks for one.
    """
    known = engine(effect.server.engine)
    try:
        reading = converse(remote.http, effect.server.port, known.probe(effect.depth), key)
    except ForwardingForbidden:
        reading = Reading(Health.UNKNOWN)
    if reading.health is Health.SILENT:
        # A dead link looks the same; nothing may be said of the server before the link has answered.
        remote.check()
    return Probed(effect.epoch, effect.server.name, effect.container, reading)


def converse(http: Http, port: int, dialogue: Dialogue[Result], key: Secret | None = None) -> Result:
    """Carry out a dialogue with whatever listens on a port of the host; ``key`` where it names none."""
    try:
        ask = next(dialogue)
        while True:
            ask = dialogue.send(_hear(http, port, ask, ask.bearer or key))
    except StopIteration as end:
        result: Result = end.value
        return result


def _hear(http: Http, port: int, ask: Ask, key: Secret | None) -> Heard:
    headers = {"Authorization": f"Bearer {key.reveal()}"} if key is not None else None
    try:
        answer = http.ask(
            port,
            ask.method,
            ask.path,
            json=_revealed(ask),
            headers=headers,
            deadline=ask.deadline,
            cap=ask.most,
        )
    except ConnectionRefused:
        return Silence.REFUSED
    except DeadlinePassed:
        return Silence.LATE
    except (BadAnswer, TooLarge):
        return Silence.BROKEN
    return Answer(answer.status, answer.body)


def _revealed(ask: Ask) -> dict[str, object] | None:
    """The body as it is sent: only here do its secrets show."""
    if ask.json is None:
        return None
    return {key: value.reveal() if isinstance(value, Secret) else value for key, value in ask.json.items()}
