"""Reads from the host what a plan needs: image, model folder, listeners, clock, leftovers of ours."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec

from sparktray.control.performing.leftover import dead_lock
from sparktray.control.performing.task import NamedSecret
from sparktray.decide.changing.preflight import chosen_server, loads_by_api
from sparktray.decide.webui.account import key_name
from sparktray.domain.catalogue import Catalogue, EngineKind
from sparktray.domain.docker.answers import image_tags, seconds
from sparktray.domain.docker.container import LOCK_NAME
from sparktray.domain.facts.survey import Listener, ModelFolder, Survey, is_resting, read_listeners
from sparktray.domain.facts.vitals import read_memory, read_unused
from sparktray.domain.host import HostProfile
from sparktray.domain.open_webui import WipeScope
from sparktray.domain.operation import ForgetWish, RestoreWish, SwitchWish, WipeWish, Wish
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import Needs, Snapshot, first_snapshot
from sparktray.engines.commands import secret_variables
from sparktray.engines.ollama import SERVICE
from sparktray.engines.protocol import Launch
from sparktray.engines.registry import engine
from sparktray.engines.sizes import folder_complete
from sparktray.remote.contract import EntryKind, Remote
from sparktray.remote.errors import CommandFailed, RemoteError, TooLarge
from sparktray.store.secrets_errors import KeyringUnavailable
from sparktray.webui.household import household

# The weight index of a 400 B model has 100,000 names and 8 MB.
_INDEX_CAP = 32 * 1024 * 1024
_CONFIG_CAP = 1024 * 1024


class Surveyor:
    """Takes surveys of one host; several readings at a time, each on its own channel."""

    def __init__(
        self, host: HostProfile, catalogue: Catalogue, secret: NamedSecret = lambda name: None
    ) -> None:
        self._host = host
        self._secret = secret
        self._blank: Snapshot = first_snapshot(host, catalogue)

    def take(self, remote: Remote, wish: Wish, put_aside: frozenset[str], ours: frozenset[str]) -> Survey:
        """Read everything a plan for this wish needs; raises RemoteError.

        ``put_aside`` are containers our journal knows as left over, ``ours`` operations of this
        computer that never ended and whose programs are gone.
        """
        path, image = self._wanted(wish)
        with ThreadPoolExecutor(max_workers=4, thread_name_prefix="sparktray-survey") as pool:
            folder = pool.submit(self._folder, remote, path)
            listeners = pool.submit(_listeners, remote)
            meminfo = pool.submit(_meminfo, remote)
            lock = pool.submit(remote.docker.inspect, LOCK_NAME)
            resting = pool.submit(self._resting, remote, wish)
            info = remote.docker.info()
            images = remote.docker.get("/images/json")
            present = image is None or remote.docker.image(image) is not None
            dead = dead_lock(lock.result(), ours)
            unstored, keyring = self._secrets(wish)
            return Survey(
                image_present=present,
                host_time=seconds(info.get("SystemTime")) or 0.0,
                folder=folder.result(),
                lock_image=image if present and image else next(image_tags(images), None),
                listeners=listeners.result(),
                abandoned=put_aside | dead,
                memory=read_memory(meminfo.result()),
                unused_memory=read_unused(meminfo.result()),
                unstored=unstored,
                keyring=keyring,
                resting=resting.result(),
            )

    def of_open_webui(
        self, remote: Remote, wish: WipeWish | RestoreWish | ForgetWish, ours: frozenset[str]
    ) -> Survey:
        """Read what a wish about Open WebUI needs; raises RemoteError. ``ours`` as in `take`."""
        older_than = wish.older_than if isinstance(wish, WipeWish) else None
        info, images = remote.docker.info(), remote.docker.get("/images/json")
        unstored, keyring = self._account(wish)
        return Survey(
            image_present=True,
            host_time=seconds(info.get("SystemTime")) or 0.0,
            lock_image=next(image_tags(images), None),
            abandoned=dead_lock(remote.docker.inspect(LOCK_NAME), ours),
            household=household(remote, self._blank.catalogue.open_webui, older_than),
            unstored=unstored,
            keyring=keyring,
        )

    def _account(self, wish: Wish) -> tuple[str | None, Problem | None]:
        """The key of an account that the wish needs and the keyring lacks, and why it cannot be asked."""
        if not isinstance(wish, WipeWish) or wish.scope is not WipeScope.CHATS:
            return None, None
        name = key_name(self._host.name)
        try:
            return (name if self._secret(name) is None else None), None
        except KeyringUnavailable as error:
            return None, error.problem

    def needs(self, remote: Remote) -> Needs:
        """What every entry takes on every server of its whose folder is complete; raises RemoteError."""
        catalogue, found = self._blank.catalogue, []
        for model in catalogue.models:
            servers = [s for name in model.servers if (s := catalogue.server(name)) is not None]
            loading = [server for server in servers if not loads_by_api(server)]
            path = None if model.path is None or not loading else self._host.expand(model.path)
            folder = self._folder(remote, path)
            if folder is None or folder_complete(folder) is not None:
                continue
            for server in loading:
                takes = engine(server.engine).footprint(Launch(server, model, self._host, folder))
                if takes is not None:
                    found.append((model.id, server.name, takes))
        return tuple(found)

    def _secrets(self, wish: Wish) -> tuple[str | None, Problem | None]:
        """A secret that the wish needs and the keyring does not hold, and why it cannot be asked."""
        model = self._blank.catalogue.model(wish.model) if isinstance(wish, SwitchWish) else None
        names = [name for _, name in secret_variables(model)] if model is not None else []
        try:
            return next((name for name in names if self._secret(name) is None), None), None
        except KeyringUnavailable as error:
            return None, error.problem

    def _wanted(self, wish: Wish) -> tuple[str | None, str | None]:
        """The model folder and the image that a wish needs."""
        if not isinstance(wish, SwitchWish):
            return None, None
        chosen = chosen_server(self._blank, wish)
        if isinstance(chosen, Problem):
            return None, None
        model, server = chosen
        if loads_by_api(server) or model.path is None:
            return None, server.image
        return self._host.expand(model.path), server.image

    def _resting(self, remote: Remote, wish: Wish) -> str | None:
        """Ollama's service where it is wished for and does not run; a host without systemd has none."""
        chosen = chosen_server(self._blank, wish) if isinstance(wish, SwitchWish) else None
        if not isinstance(chosen, tuple) or chosen[1].engine is not EngineKind.OLLAMA:
            return None
        look = ["systemctl", "show", "--property=LoadState,ActiveState", SERVICE]
        try:
            told = remote.run(look, deadline=10.0)
        except RemoteError:
            return None
        return SERVICE if is_resting(told.stdout.decode("utf-8", "replace")) else None

    def _folder(self, remote: Remote, path: str | None) -> ModelFolder | None:
        entries = remote.list_folder(path) if path is not None else None
        if path is None or entries is None:
            return None
        files = {entry.name: entry.size for entry in entries if entry.kind is EntryKind.FILE}
        config = _json_file(remote, path, "config.json", files, _CONFIG_CAP)
        index = _json_file(remote, path, "model.safetensors.index.json", files, _INDEX_CAP)
        unread = config if isinstance(config, Phrase) else None
        return ModelFolder(path, files, _known(config), _known(index), unread)


def _json_file(
    remote: Remote, path: str, name: str, files: Mapping[str, int], cap: int
) -> Mapping[str, object] | Phrase | None:
    """What a file of the folder holds, or why it cannot be read; None when it is not there."""
    if name not in files:
        return None
    try:
        content = remote.read_file(f"{path}/{name}", cap=cap)
    except TooLarge:
        return phrase("{file} is too large to be read.", file=name)
    except CommandFailed:
        return phrase("{file} cannot be read.", file=name)
    try:
        decoded = msgspec.json.decode(content or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        decoded = None
    return decoded if isinstance(decoded, dict) else phrase("{file} does not hold JSON.", file=name)


def _known(read: Mapping[str, object] | Phrase | None) -> Mapping[str, object] | None:
    return None if isinstance(read, Phrase) else read


def _listeners(remote: Remote) -> tuple[Listener, ...]:
    """Who listens on the host; without ``ss`` nobody is known, and Docker tells at the start."""
    try:
        told = remote.run(["ss", "-Hltnp"], deadline=10.0)
    except RemoteError:
        return ()
    return read_listeners(told.stdout.decode("utf-8", "replace"))


def _meminfo(remote: Remote) -> str:
    """The host's own figures of its memory, nothing where it has none."""
    try:
        return (remote.read_file("/proc/meminfo") or b"").decode("ascii", "replace")
    except CommandFailed:
        return ""
