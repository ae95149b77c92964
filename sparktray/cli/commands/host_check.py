"""`host test`: everything that must be so, one after the other, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sparktray.cli.problems import DONE, UNREACHABLE, exit_of
from sparktray.cli.request import Request
from sparktray.control.problems import problem_of
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.domain.text import clean_name
from sparktray.domain.vitals import read_vitals
from sparktray.remote.contract import Remote
from sparktray.remote.errors import HostKeyProblem, KeyFileUnusable, LoginRefused, NameNotFound, RemoteError
from sparktray.remote.ssh.dialing import dial as dial_port
from sparktray.wiring import dial


class Stage(StrEnum):
    """What is checked, in this order."""

    NAME = "name"
    PORT = "port"
    HOST_KEY = "host-key"
    LOGIN = "login"
    DOCKER = "docker"
    GPU = "gpu"
    FOLDERS = "folders"


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one stage; without a problem it is well."""

    stage: Stage
    detail: str = ""
    problem: Problem | None = None


def tested(request: Request, host: HostProfile) -> int:
    """Run the stages and print each as it is known; the exit code of the first that is not well."""
    shown: list[dict[str, object]] = []
    code = DONE
    for check in _checks(host):
        if check.problem is not None and code == DONE:
            otherwise = UNREACHABLE if check.stage in {Stage.NAME, Stage.PORT, Stage.DOCKER} else 1
            code = exit_of(check.problem.code, otherwise)
        if request.out.as_json:
            shown.append(_view(request, check))
        else:
            _print(request, check)
    if request.out.as_json:
        request.out.json({"host": host.name, "stages": shown})
    return code


def _checks(host: HostProfile) -> Iterator[Check]:
    """The stages up to the first that makes all later ones impossible."""
    if not host.is_local:
        try:
            dial_port(host.address, host.port).close()
        except NameNotFound as error:
            yield Check(Stage.NAME, problem=problem_of(error, host))
            return
        except RemoteError as error:
            yield Check(Stage.NAME, host.address)
            yield Check(Stage.PORT, problem=problem_of(error, host))
            return
        yield Check(Stage.NAME, host.address)
    try:
        remote = dial(host)
    except RemoteError as error:
        yield from _refused(error, host)
        return
    if not host.is_local:
        yield from (Check(Stage.PORT, str(host.port)), Check(Stage.HOST_KEY, host.fingerprint or ""))
        yield Check(Stage.LOGIN, host.user or "")
    try:
        yield from _on_the_host(remote, host)
    finally:
        remote.close()


def _refused(error: RemoteError, host: HostProfile) -> Iterator[Check]:
    """At which stage a connection ended. A key file is looked at before anything is sent."""
    problem = problem_of(error, host)
    match error:
        case KeyFileUnusable():
            yield Check(Stage.PORT, str(host.port))
            yield Check(Stage.LOGIN, problem=problem)
        case HostKeyProblem():
            yield Check(Stage.PORT, str(host.port))
            yield Check(Stage.HOST_KEY, problem=problem)
        case LoginRefused():
            yield Check(Stage.PORT, str(host.port))
            yield Check(Stage.HOST_KEY, host.fingerprint or "")
            yield Check(Stage.LOGIN, problem=problem)
        case _:
            yield Check(Stage.PORT, problem=problem)


def _on_the_host(remote: Remote, host: HostProfile) -> Iterator[Check]:
    """GPU and folders can be looked at without Docker, so they are."""
    try:
        version = clean_name(str(remote.docker.info().get("ServerVersion", "?")))
        yield Check(Stage.DOCKER, f"Docker {version}")
    except RemoteError as error:
        yield Check(Stage.DOCKER, problem=problem_of(error, host))
    try:
        yield _gpu(remote)
        yield _folders(remote, host)
    except RemoteError as error:
        yield Check(Stage.FOLDERS, problem=problem_of(error, host))


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


def _view(request: Request, check: Check) -> dict[str, object]:
    problem = check.problem
    return {
        "stage": check.stage,
        "ok": problem is None,
        "detail": check.detail if problem is None else request.say(problem.cause),
        "remedy": None if problem is None else request.say(problem.remedy),
        "code": None if problem is None else problem.code,
    }


def _print(request: Request, check: Check) -> None:
    say = request.say
    mark = "✓" if check.problem is None else "✗"
    width = max(len(say(_title(stage))) for stage in Stage)
    head = f"{mark}  {say(_title(check.stage)):{width}}  "
    if check.problem is None:
        request.out.line((head + check.detail).rstrip())
        return
    request.out.line(head + say(check.problem.cause))
    request.out.line(" " * len(head) + say(check.problem.remedy))


def _title(stage: Stage) -> Phrase:
    match stage:
        case Stage.NAME:
            return phrase("name")
        case Stage.PORT:
            return phrase("port")
        case Stage.HOST_KEY:
            return phrase("host key")
        case Stage.LOGIN:
            return phrase("login")
        case Stage.DOCKER:
            return phrase("Docker")
        case Stage.GPU:
            return phrase("GPU")
        case Stage.FOLDERS:
            return phrase("folders")
