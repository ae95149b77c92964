"""Runs the program for Open WebUI's data: in this process, in a child that is killed, and as it is sent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[3] / "resources" / "open_webui"
NOW = 1_800_000_000
Json = dict[str, Any]


def files() -> list[Path]:
    """The files of the program in the order in which they are sent."""
    return sorted(FOLDER.glob("*.py"))


def source() -> bytes:
    """What is sent."""
    return b"\n".join(file.read_bytes() for file in files())


_code = compile(source(), "open_webui", "exec")


def loaded() -> types.ModuleType:
    """The program as a module, fresh each time."""
    module = types.ModuleType("open_webui_inside")
    sys.modules[module.__name__] = module  # dataclasses look themselves up there
    exec(_code, module.__dict__)  # noqa: S102 (the program is sent as one text)
    return module


@dataclass
class Told:
    """What the program said."""

    code: int
    result: Json
    progress: list[Json] = field(default_factory=list)

    @property
    def problem(self) -> str | None:
        """The code of its problem."""
        found = self.result.get("problem")
        return None if found is None else str(found["code"])

    @property
    def detail(self) -> str:
        """What it says of its problem."""
        return str(self.result["problem"]["detail"])


def run(command: str, *, change: Callable[[types.ModuleType], None] | None = None, **options: object) -> Told:
    """Run a command in this process; ``change`` gets the module before."""
    module = loaded()
    lines: list[Json] = []
    module.__dict__["say"] = lambda line: lines.append(json.loads(json.dumps(line)))
    if change is not None:
        change(module)
    code = module.main([command, json.dumps(_with_now(options))])
    *progress, result = lines
    return Told(code, result, progress)


def done(command: str, **options: Any) -> Json:
    """Run a command that has to succeed; its result."""
    told = run(command, **options)
    assert told.code == 0, told.result
    return told.result


def killed(point: int, command: str, **options: object) -> bool:
    """Run a command in a child process that is killed at a point; whether it got that far.

    A row of points between which nothing is changed counts once.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child shares nothing but memory
        child = os.fork()
    if child == 0:
        passed, last = 0, ""

        def step(what: str, *_: object) -> None:
            nonlocal passed, last
            changes_nothing = what == last and what.startswith(("read ", "verify", "compare"))
            passed, last = passed + (not changes_nothing), what
            if passed == point:
                os.kill(os.getpid(), 9)

        module = loaded()
        module.__dict__.update(step=step, say=lambda line: None)
        os._exit(module.main([command, json.dumps(_with_now(options))]))
    _, status = os.waitpid(child, 0)
    assert status in (0, 9), f"it ended with {status}"
    return status == 9


def sent(command: str, *, environment: Mapping[str, str] | None = None, **options: object) -> Told:
    """Run a command as it is run on the host: the text by stdin, the answer by stdout."""
    ended = subprocess.run(
        [sys.executable, "-I" if environment is None else "-s", "-", command, json.dumps(_with_now(options))],
        input=source(), capture_output=True, check=False, cwd="/",
        env=None if environment is None else {**os.environ, **environment},
    )  # fmt: skip
    assert ended.stderr == b"", ended.stderr.decode()
    *progress, result = [json.loads(line) for line in ended.stdout.splitlines()]
    return Told(ended.returncode, result, progress)


def _with_now(options: Mapping[str, object]) -> Json:
    paths = {name: str(value) if isinstance(value, Path) else value for name, value in options.items()}
    return {"now": NOW, **paths}
