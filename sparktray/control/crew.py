"""Carries out what the reducer wants done, each kind of work on its own lane."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from functools import partial
from typing import assert_never

from sparktray.control import reading
from sparktray.control.following.network import whereabouts
from sparktray.control.following.streams import (
    LogFollower,
    follow_events,
    follow_vitals,
    watch_docker,
    watch_link,
)
from sparktray.control.following.waking import watch_absence
from sparktray.control.lanes import Lanes
from sparktray.control.performing.changes import Changes
from sparktray.control.performing.records import Records
from sparktray.control.performing.task import NamedSecret
from sparktray.control.problems import internal, is_blocking, problem_of
from sparktray.decide.effects import (
    CheckLink,
    Connect,
    ConnectNow,
    Effect,
    FindInterrupted,
    FollowLog,
    Interrupt,
    Journal,
    Perform,
    Probe,
    ReadContainer,
    ReadContainers,
    ReadKeysAnew,
    ReadLogTail,
    ReadNeeds,
    RememberLoad,
    StopFollowing,
    TakeSurvey,
)
from sparktray.domain.asking import Health, Reading
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.events import (
    ContainersUnread,
    Event,
    FoundInterrupted,
    LinkDown,
    LinkUp,
    NeedsRead,
    Probed,
)
from sparktray.domain.host import HostProfile
from sparktray.domain.secret import Secret
from sparktray.remote.contract import Remote
from sparktray.remote.errors import LinkLost, RemoteError
from sparktray.store.secrets_errors import KeyringUnavailable

_log = logging.getLogger(__name__)

# 1 s, 2 s, 4 s ... 20 s, with jitter so that many laptops do not come back in step. With the 5 s that an
# attempt may take, a host that is there again is seen within 30 s. Only silent hosts are tried so often: one
# that says no to a login is not tried again at all.
_BACKOFF_FIRST = 1.0
_BACKOFF_MOST = 20.0
# What a bug ended is begun again after this; it would fill the log otherwise.
_AGAIN_SECONDS = 5.0
# After sleep a person waits; still far above the 0.8 s of the slowest link that must not be called dead.
_WOKE_DEADLINE = 3.0


class Crew:
    """The hands of one controller: one connection at a time, and the lanes that use it.

    ``dial`` makes a connection and may raise RemoteError. ``carry_out`` and ``pace`` are called on
    the owner's thread and return at once; results go back through ``report_to``'s function. ``measure``
    reads the model folders after each connection, for a list that tells what fits. ``secret`` gives values
    of the keyring to steps that need one.
    """

    def __init__(
        self,
        host: HostProfile,
        catalogue: Catalogue,
        dial: Callable[[], Remote],
        records: Records,
        *,
        keep_trying: bool,
        measure: bool = False,
        secret: NamedSecret = lambda name: None,
    ) -> None:
        self._host = host
        self._catalogue = catalogue
        self._dial = dial
        self._keep_trying = keep_trying
        self._measure = measure
        self._lanes = Lanes()
        self._secret = secret
        self._keys: dict[str, Secret | None] = {}
        self._changes = Changes(host, catalogue, records, secret)
        self._post: Callable[[Event], None] = lambda event: None
        self._remote: Remote | None = None
        self._epoch = 0
        self._busy = threading.Event()
        self._closing = threading.Event()
        self._hurry = threading.Event()
        self._followers: dict[str, LogFollower] = {}

    @property
    def remote(self) -> Remote | None:
        """The present connection, None while there is none."""
        return self._remote

    def report_to(self, post: Callable[[Event], None]) -> None:
        """Where results go; called before the first effect."""
        self._post = post
        if self._keep_trying and not self._host.is_demo:
            work = partial(watch_absence, post, self._closing, partial(whereabouts, self._host.address))
            threading.Thread(target=work, name="sparktray-waking", daemon=True).start()

    def pace(self, *, busy: bool) -> None:
        """Sample quickly while an operation runs."""
        if busy or self._closing.is_set():
            self._busy.set()
        else:
            self._busy.clear()

    def close(self, timeout: float) -> None:
        """End the connection and the lanes."""
        self._closing.set()
        self._busy.set()
        self._hurry.set()
        self._changes.give_up()
        for follower in list(self._followers.values()):
            follower.close()
        remote, self._remote = self._remote, None
        if remote is not None:
            remote.close()
        self._lanes.close(timeout)

    def carry_out(self, effect: Effect) -> None:
        """Hand an effect to its lane."""
        match effect:
            case Connect():
                if effect.attempt == 0 or self._keep_trying or self._busy.is_set():
                    self._lanes.put("link", lambda: self._connect(effect))
            case ConnectNow():
                self._hurry.set()
            case ReadKeysAnew():
                self._keys.clear()
            case FindInterrupted():
                self._lanes.put("operation", self._find_interrupted)
            case ReadNeeds():
                if self._measure:
                    self._read(
                        "needs", effect.epoch, lambda r: NeedsRead(effect.epoch, self._changes.needs(r))
                    )
            case CheckLink():
                self._lanes.put("check", lambda: self._check(effect.epoch))
            case ReadContainers():
                self._read(
                    "docker",
                    effect.epoch,
                    lambda r: reading.read_containers(r, effect, self._catalogue, self._host),
                )
            case ReadContainer():
                self._read("confirm", effect.epoch, lambda r: reading.read_container(r, effect, self._host))
            case Probe():
                self._read(f"probe-{effect.server.name}", effect.epoch, lambda r: self._probe(r, effect))
            case ReadLogTail():
                self._read("tail", effect.epoch, lambda r: reading.read_log_tail(r, effect))
            case FollowLog():
                self._follow(effect)
            case StopFollowing():
                self._stop_following(effect.server)
            case TakeSurvey():
                self._lanes.put("operation", lambda: self._post(self._changes.survey(self._remote, effect)))
            case Perform():
                self._lanes.put("operation", lambda: self._perform(effect))
            case Interrupt():
                self._changes.interrupt(effect.number, effect.index)
            case Journal():
                self._lanes.put("operation", lambda: self._changes.journal(effect.operation))
            case RememberLoad():
                self._lanes.put("operation", lambda: self._changes.remember(effect))
            case _:  # pragma: no cover
                assert_never(effect)

    def _find_interrupted(self) -> None:
        found = self._changes.interrupted()
        if found is not None:
            self._post(FoundInterrupted(found))

    def _perform(self, effect: Perform) -> None:
        self._post(self._changes.perform(self._remote, effect, self._post))

    def _read(self, lane: str, epoch: int, job: Callable[[Remote], Event]) -> None:
        """A reading whose failure for want of a link is told by the link itself."""

        def read() -> None:
            remote = self._remote
            if remote is None or epoch != self._epoch:
                return
            try:
                self._post(job(remote))
            except RemoteError as error:
                _log.info("reading on %s ended: %s", lane, error)
            except Exception as error:
                self._mistaken(lane, epoch, error)

        self._lanes.put(lane, read)

    def _mistaken(self, what: str, epoch: int, error: Exception) -> None:
        """A bug must not leave a question open for ever: it is told, and Docker is read again soon."""
        _log.error("%s failed", what, exc_info=error)
        self._post(ContainersUnread(epoch, internal(error)))

    def _probe(self, remote: Remote, effect: Probe) -> Event:
        try:
            return reading.probe(remote, effect, None if effect.key is None else self._key(effect.key))
        except RemoteError:
            raise
        except Exception as error:
            self._mistaken(f"asking {effect.server.name}", effect.epoch, error)
            silent = Reading(Health.SILENT)
            return Probed(effect.epoch, effect.server.name, effect.container, silent)

    def _key(self, name: str) -> Secret | None:
        """A key of the keyring, asked for once; without it the server says that it is locked."""
        if name not in self._keys:
            try:
                self._keys[name] = self._secret(name)
            except KeyringUnavailable as error:
                _log.warning("the keyring cannot be used: %s", error.problem.code)
                self._keys[name] = None
        return self._keys[name]

    def _connect(self, effect: Connect) -> None:
        if effect.attempt and not self._rested(_pause(effect.attempt)):
            return
        if self._remote is not None:
            self._remote.close()
            self._remote = None
        try:
            remote = self._dial()
        except RemoteError as error:
            problem = problem_of(error, self._host)
            self._post(LinkDown(effect.epoch, problem, blocked=is_blocking(error)))
            return
        except Exception as error:
            _log.exception("connecting failed")
            self._post(LinkDown(effect.epoch, internal(error)))
            return
        if self._closing.is_set():
            remote.close()
            return
        self._hurry.clear()
        self._keys.clear()
        self._remote, self._epoch = remote, effect.epoch
        self._post(LinkUp(effect.epoch))
        self._watch(remote, effect.epoch)

    def _rested(self, seconds: float) -> bool:
        """Wait out a back-off, unless somebody is in a hurry; False at the end of the program."""
        if self._closing.is_set():
            return False
        self._hurry.wait(seconds)
        self._hurry.clear()
        return not self._closing.is_set()

    def _check(self, epoch: int) -> None:
        """See whether the link outlived a sleep; one that did not is replaced without a back-off."""
        remote = self._remote
        if remote is None or epoch != self._epoch:
            return
        try:
            remote.check(deadline=_WOKE_DEADLINE)
        except RemoteError as error:
            _log.info("the link did not outlive the sleep: %s", error)
            self._hurry.set()

    def _watch(self, remote: Remote, epoch: int) -> None:
        lost = problem_of(LinkLost(reason="closed"), self._host)
        over = threading.Event()

        def ended() -> None:
            over.set()
            if not self._closing.is_set():
                self._post(LinkDown(epoch, lost))

        remote.on_lost(ended)
        for name, work in (
            ("events", lambda: follow_events(remote, epoch, self._host, self._post, over)),
            ("vitals", lambda: follow_vitals(remote, epoch, self._post, over, self._busy)),
            ("alive", lambda: watch_link(remote, over)),
            ("docker", lambda: watch_docker(remote, epoch, self._host, self._post, over)),
        ):
            kept = partial(self._keep_up, f"sparktray-{name}-{epoch}", epoch, work, over)
            threading.Thread(target=kept, name=f"sparktray-{name}-{epoch}", daemon=True).start()

    def _keep_up(self, name: str, epoch: int, work: Callable[[], None], over: threading.Event) -> None:
        """Do what lasts as long as a connection; after a bug in it, again."""
        while not over.is_set():
            try:
                work()
                return
            except Exception as error:
                self._mistaken(name, epoch, error)
            over.wait(_AGAIN_SECONDS)

    def _follow(self, effect: FollowLog) -> None:
        remote = self._remote
        self._stop_following(effect.server)
        if remote is not None and effect.epoch == self._epoch:
            self._followers[effect.server] = LogFollower(remote, effect, self._post)

    def _stop_following(self, server: str) -> None:
        follower = self._followers.pop(server, None)
        if follower is not None:
            follower.close()


def _pause(attempt: int) -> float:
    most = min(_BACKOFF_MOST, _BACKOFF_FIRST * 2.0 ** min(attempt - 1, 10))
    return random.uniform(0.5, 1.0) * most  # noqa: S311  spreads retries, keeps no secret
