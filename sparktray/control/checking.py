"""What is checked of a host before it is used: its profile, the road to it, what is there."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from enum import StrEnum
from typing import assert_never

import msgspec

from sparktray.control.problems import problem_of
from sparktray.control.reading import containers_of
from sparktray.decide.identity import container_of
from sparktray.domain.catalogue import Catalogue, Model, Server
from sparktray.domain.docker.container import Container
from sparktray.domain.facts.vitals import read_vitals
from sparktray.domain.host import (
    HostProfile,
    valid_address,
    valid_fingerprint,
    valid_host_name,
    valid_user,
)
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.domain.text import clean_name, has_hidden
from sparktray.remote.contract import Remote
from sparktray.remote.errors import (
    AgentUnusable,
    DockerForbidden,
    HostKeyProblem,
    HostUnreachable,
    KeyFileUnusable,
    NameNotFound,
    RemoteError,
    SshBroken,
    SshSilent,
)
from sparktray.remote.ssh.dialing import dial as dial_port
from sparktray.remote.ssh_files.target import target_of

Dial = Callable[[HostProfile], Remote]

# Paths in one command: 200 of 300 characters stay below the 128 KiB that Linux allows one argument
# (MAX_ARG_STRLEN), and sshd hands the whole command to the login shell as one.
_PATHS_AT_ONCE = 200
_FIND_SECONDS = 15.0


class Stage(StrEnum):
    """What is checked, in this order."""

    NAME = "name"
    PORT = "port"
    BANNER = "banner"
    HOST_KEY = "host-key"
    LOGIN = "login"
    DOCKER = "docker"
    DOCKER_ALLOWED = "docker-allowed"
    GPU = "gpu"
    FOLDERS = "folders"
    ENGINES = "engines"


def title_of(stage: Stage) -> Phrase:
    """What a person reads for a stage."""
    match stage:
        case Stage.NAME:
            return phrase("name")
        case Stage.PORT:
            return phrase("port")
        case Stage.BANNER:
            return phrase("SSH")
        case Stage.HOST_KEY:
            return phrase("host key")
        case Stage.LOGIN:
            return phrase("login")
        case Stage.DOCKER:
            return phrase("Docker")
        case Stage.DOCKER_ALLOWED:
            return phrase("Docker access")
        case Stage.GPU:
            return phrase("GPU")
        case Stage.FOLDERS:
            return phrase("folders")
        case Stage.ENGINES:
            return phrase("engines")
        case _:  # pragma: no cover
            assert_never(stage)


class Check(msgspec.Struct, frozen=True):
    """The outcome of one stage; without a problem it is well."""

    stage: Stage
    detail: str = ""
    problem: Problem | None = None


class Found(msgspec.Struct, frozen=True):
    """What a host has of what the catalogue wants: models whose folder is there, servers that run.

    ``running`` is None when Docker could not be read.
    """

    models: tuple[Model, ...]
    running: tuple[tuple[Server, Container], ...] | None


def unusable(host: HostProfile) -> Iterator[tuple[str, Problem]]:
    """The fields of a profile that could be taken for an option or for shell text, each with its problem."""
    plain = phrase("Use letters, digits, dots and dashes; begin with a letter or a digit.")
    folder = phrase("Write an absolute path without hidden characters.")
    shape = phrase("It looks like SHA256: and 43 characters, as ssh-keygen -l prints it.")
    pinned = host.fingerprint
    fields = (
        ("name", host.name, valid_host_name(host.name), plain),
        *(("address", each, valid_address(each), plain) for each in host.addresses),
        ("user", host.user, host.user is None or valid_user(host.user), plain),
        ("fingerprint", pinned, pinned is None or valid_fingerprint(pinned), shape),
        ("agent_key", host.agent_key, host.agent_key is None or valid_fingerprint(host.agent_key), shape),
        ("key_file", host.key_file, not has_hidden(host.key_file or ""), folder),
        ("models_dir", host.models_dir, _valid_folder(host.models_dir), folder),
        ("cache_dir", host.cache_dir, _valid_folder(host.cache_dir), folder),
    )
    for field, value, valid, remedy in fields:
        if not valid:
            cause = phrase("{value} cannot be used here.", value=clean_name(value or "") or '""')
            yield field, Problem("usage-host", cause, remedy)


def _valid_folder(path: str) -> bool:
    """An absolute path that `docker run -v` cannot read in any other way."""
    return path.startswith("/") and not has_hidden(path) and ":" not in path and ".." not in path.split("/")


def read_fingerprint(key_type: str) -> str:
    """What to type on the host to see the fingerprint of its key of that type ("ssh-ed25519")."""
    return f"ssh-keygen -lf /etc/ssh/ssh_host_{key_kind(key_type).lower()}_key.pub"


def key_kind(key_type: str) -> str:
    """A host key's type as `ssh-keygen -l` prints it, in brackets at the end of its line."""
    known = (kind for kind in ("ed25519", "ecdsa", "rsa") if kind in key_type)
    return next(known, "ed25519").upper()


def checks(host: HostProfile, dial: Dial, catalogue: Catalogue) -> Generator[Check, None, None]:
    """The stages up to the first that makes all later ones impossible; each blocks until it is known.

    ``dial`` logs in to a host. The connection is closed at the end, also when the generator is closed early.
    """
    try:
        remote = dial(host)
    except RemoteError as error:
        if isinstance(error, KeyFileUnusable | AgentUnusable):
            yield from _without_login(error, host)
        else:
            yield from _ended(error, host)
        return
    try:
        if host.by_ssh:
            yield from _road(host)
        yield from _on_the_host(remote, host, catalogue)
    finally:
        remote.close()


def _ended(error: RemoteError, host: HostProfile) -> Iterator[Check]:
    """The road as far as it goes, and what ends it."""
    stage = _stage_of(error)
    yield from _road(host, stage)
    yield Check(stage, problem=problem_of(error, host))


def _without_login(error: RemoteError, host: HostProfile) -> Iterator[Check]:
    """Key file and agent are looked at before anything is sent; the beginning of the road can be tried."""
    place = target_of(host)
    try:
        dial_port(place.address, place.port).close()
    except RemoteError as earlier:
        yield from _ended(earlier, host)
        return
    yield from _road(host, Stage.BANNER)
    yield Check(Stage.LOGIN, problem=problem_of(error, host))


def _road(host: HostProfile, up_to: Stage | None = None) -> Iterator[Check]:
    """The stages of the road that are well, before the one where it ended."""
    details = {
        Stage.NAME: host.address,
        Stage.PORT: str(host.port),
        Stage.BANNER: "",
        Stage.HOST_KEY: host.fingerprint or "",
        Stage.LOGIN: host.user or "",
    }
    for stage, detail in details.items():
        if stage is up_to:
            return
        yield Check(stage, detail)


def _stage_of(error: RemoteError) -> Stage:
    """At which stage a connection ended."""
    match error:
        case NameNotFound():
            return Stage.NAME
        case SshSilent() | SshBroken():
            return Stage.BANNER
        case HostUnreachable():
            return Stage.PORT
        case HostKeyProblem():
            return Stage.HOST_KEY
        case _:
            return Stage.LOGIN


def _on_the_host(remote: Remote, host: HostProfile, catalogue: Catalogue) -> Iterator[Check]:
    """GPU and folders can be looked at without Docker, so they are; the engines cannot."""
    docker = False
    try:
        version = clean_name(str(remote.docker.info().get("ServerVersion", "?")))
        yield Check(Stage.DOCKER, f"Docker {version}")
        yield Check(Stage.DOCKER_ALLOWED, host.user or "")
        docker = True
    except DockerForbidden as error:
        yield Check(Stage.DOCKER)
        yield Check(Stage.DOCKER_ALLOWED, problem=problem_of(error, host))
    except RemoteError as error:
        yield Check(Stage.DOCKER, problem=problem_of(error, host))
    try:
        yield _gpu(remote)
        yield _folders(remote, host)
    except RemoteError as error:
        yield Check(Stage.FOLDERS, problem=problem_of(error, host))
    if docker:
        try:
            yield _engines(remote, catalogue)
        except RemoteError as error:
            yield Check(Stage.ENGINES, problem=problem_of(error, host))


def _engines(remote: Remote, catalogue: Catalogue) -> Check:
    """The servers whose image is on the host; whether Docker can give them the GPU, only a start shows."""
    there = [server for server in catalogue.servers if remote.docker.image(server.image) is not None]
    if there:
        return Check(Stage.ENGINES, ", ".join(server.name for server in there))
    images = dict.fromkeys(server.image for server in catalogue.servers)
    cause = phrase("None of the engines' images is on the host.")
    remedy = phrase("Fetch one on the host, for example: docker pull {image}", image=next(iter(images), ""))
    return Check(Stage.ENGINES, problem=Problem("image-missing", cause, remedy))


def _gpu(remote: Remote) -> Check:
    sample = remote.sample()
    name = read_vitals(sample.meminfo, sample.gpu, 0.0).gpu_name
    if name is not None:
        return Check(Stage.GPU, clean_name(name))
    cause = phrase("nvidia-smi on the host shows no GPU.")
    remedy = phrase("Look at it on the host: nvidia-smi. Models cannot start without the GPU.")
    return Check(Stage.GPU, problem=Problem("gpu-missing", cause, remedy))


def _folders(remote: Remote, host: HostProfile) -> Check:
    for path, option in ((host.models_dir, "--models-dir"), (host.cache_dir, "--cache-dir")):
        if remote.list_folder(path) is None:
            cause = phrase("The folder {path} is not on the host.", path=path)
            remedy = phrase(
                "Make it on the host: mkdir -p {path}. Or name another one: "
                "sparktray host add {host} {option} FOLDER",
                path=path,
                host=host.name,
                option=option,
            )
            return Check(Stage.FOLDERS, problem=Problem("folder-missing", cause, remedy))
    return Check(Stage.FOLDERS, f"{host.models_dir}, {host.cache_dir}")


def look_around(remote: Remote, host: HostProfile, catalogue: Catalogue) -> Found:
    """What of the catalogue is there. Blocks; raises RemoteError, but not for Docker."""
    paths = {model.id: host.expand(model.path) for model in catalogue.models if model.path is not None}
    there = _folders_among(remote, tuple(dict.fromkeys(paths.values())))
    models = tuple(model for model in catalogue.models if paths.get(model.id) in there)
    try:
        containers = containers_of(remote, catalogue)
    except RemoteError:
        return Found(models, None)
    holding = ((server, container_of(server, containers)) for server in catalogue.servers)
    running = tuple((server, held) for server, held in holding if held is not None and held.running)
    return Found(models, running)


def _folders_among(remote: Remote, paths: tuple[str, ...]) -> set[str]:
    """Which of these paths are folders, links followed. find goes on after one that is missing."""
    there: set[str] = set()
    for start in range(0, len(paths), _PATHS_AT_ONCE):
        some = paths[start : start + _PATHS_AT_ONCE]
        argv = ["find", "-L", *some, "-maxdepth", "0", "-type", "d", "-print0"]
        answer = remote.run(argv, deadline=_FIND_SECONDS).stdout
        there.update(answer.decode(errors="surrogateescape").split("\0")[:-1])
    return there
