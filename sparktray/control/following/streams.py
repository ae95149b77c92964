"""Threads that live as long as a connection: Docker's events, vitals, liveness, logs of loads."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from sparktray.control.clock import now
from sparktray.control.problems import problem_of
from sparktray.decide.effects import FollowLog
from sparktray.domain.docker.answers import event as docker_event
from sparktray.domain.events import ContainersUnread, DockerHappened, Event, LogSaid, Sampled, StreamOpened
from sparktray.domain.facts.vitals import read_vitals
from sparktray.domain.host import HostProfile
from sparktray.domain.text import split_log
from sparktray.remote.contract import Remote, Stream
from sparktray.remote.errors import DockerSilent, LinkLost, RemoteError

Post = Callable[[Event], None]
_log = logging.getLogger(__name__)

# dockerd is back within seconds of a restart; trying more often only fills its log.
_REOPEN_SECONDS = 2.0
_IDLE_SAMPLE_SECONDS = 5.0
_BUSY_SAMPLE_SECONDS = 1.0
# Dead after two missed answers: a person sees "no contact" within 25 s of a cut cable.
_ALIVE_SECONDS = 15.0
_ALIVE_DEADLINE = 5.0
# A Docker that hangs leaves its stream of events open and quiet, so it is asked, for what nobody has: 0.5 kB
# there and back. A person sees "does not answer" 10 s after it hung at the latest.
_DOCKER_SECONDS = 5.0
_DOCKER_DEADLINE = 5.0
_NOTHING = {"filters": '{"label":["org.sparktray.nobody"]}'}
# A server that floods its log (15 MB/s were measured) costs one event a tenth of a second.
_LOG_BATCH_SECONDS = 0.1
_LOG_BATCH_LINES = 200


def follow_events(remote: Remote, epoch: int, host: HostProfile, post: Post, over: threading.Event) -> None:
    """Tell of Docker's container events until the link is gone; reopened when Docker restarts."""
    while not over.is_set():
        try:
            with remote.docker.events() as stream:
                post(StreamOpened(epoch))
                for answer in stream:
                    happened = docker_event(answer)
                    if happened is not None:
                        post(DockerHappened(epoch, happened))
        except LinkLost:
            return
        except RemoteError as error:
            post(ContainersUnread(epoch, problem_of(error, host)))
        if over.wait(_REOPEN_SECONDS):
            return


def follow_vitals(
    remote: Remote, epoch: int, post: Post, over: threading.Event, busy: threading.Event
) -> None:
    """Sample the host every 5 s, every second while an operation runs."""
    while not over.is_set():
        try:
            sample = remote.sample()
            vitals = read_vitals(sample.meminfo, sample.gpu, now(), sample.processes, sample.cgroups)
            post(Sampled(epoch, vitals))
        except LinkLost:
            return
        except RemoteError as error:
            _log.info("no vitals: %s", error)
            post(Sampled(epoch, read_vitals("", "", now())))
        if _pause(over, busy):
            return


def _pause(over: threading.Event, busy: threading.Event) -> bool:
    """Wait until the next sample is due; True at the end. ``busy`` is set when an operation begins,
    which ends the long pause, and at the end of the program.
    """
    if busy.is_set():
        return over.wait(_BUSY_SAMPLE_SECONDS)
    busy.wait(_IDLE_SAMPLE_SECONDS)
    return over.is_set()


def watch_link(remote: Remote, over: threading.Event) -> None:
    """Ask for a sign of life; SSH's own keepalive never notices a dead peer.

    ``check`` ends the link itself when no answer comes, which ends everything that uses it.
    """
    while not over.wait(_ALIVE_SECONDS):
        try:
            remote.check(deadline=_ALIVE_DEADLINE)
        except RemoteError as error:
            _log.info("the link is gone: %s", error)
            return


def watch_docker(remote: Remote, epoch: int, host: HostProfile, post: Post, over: threading.Event) -> None:
    """Ask Docker for a sign of life; what else is wrong with it the readings tell."""
    while not over.wait(_DOCKER_SECONDS):
        try:
            remote.docker.get("/containers/json", _NOTHING, deadline=_DOCKER_DEADLINE)
        except LinkLost:
            return
        except DockerSilent as error:
            post(ContainersUnread(epoch, problem_of(error, host)))
        except RemoteError as error:
            _log.info("no sign of life of Docker: %s", error)


class LogFollower:
    """Sends a container's log lines in batches until it ends or is closed."""

    def __init__(self, remote: Remote, effect: FollowLog, post: Post) -> None:
        self._remote = remote
        self._effect = effect
        self._post = post
        self._lines: deque[str] = deque(maxlen=_LOG_BATCH_LINES)
        self._some = threading.Event()
        self._over = threading.Event()
        self._stream: Stream[bytes] | None = None
        name = f"sparktray-log-{effect.server}"
        threading.Thread(target=self._read, name=name, daemon=True).start()
        threading.Thread(target=self._send, name=f"{name}-out", daemon=True).start()

    def close(self) -> None:
        """End the following; nothing is posted afterwards but what is on its way."""
        self._over.set()
        self._some.set()
        stream = self._stream
        if stream is not None:
            stream.close()

    def _read(self) -> None:
        try:
            self._stream = self._remote.docker.follow_logs(self._effect.container, since=self._effect.since)
            with self._stream as stream:
                if self._over.is_set():
                    return
                for line in stream:
                    self._lines.extend(split_log(line.decode("utf-8", "replace")))
                    self._some.set()
        except RemoteError as error:
            _log.info("following the log of %s ended: %s", self._effect.server, error)
        finally:
            self._over.set()
            self._some.set()

    def _send(self) -> None:
        while True:
            self._some.wait()
            over = self._over.is_set()
            self._some.clear()
            lines = tuple(self._lines.popleft() for _ in range(len(self._lines)))
            if lines:
                effect = self._effect
                self._post(LogSaid(effect.epoch, effect.server, effect.container, lines))
            if over:
                return
            self._over.wait(_LOG_BATCH_SECONDS)
