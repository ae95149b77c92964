"""The docker command of the demo: what plans of this program run, and refusals in docker's own words.

Texts are those of docker 28. A command that is not known here fails, as one that docker does not know.
"""

from __future__ import annotations

from collections.abc import Sequence

from sparktray.demo.docker import options
from sparktray.demo.docker.engine import Engine, Refused
from sparktray.demo.docker.pulling import Registry
from sparktray.demo.process import Process

_RUN_FAILED = 125
_NOT_FOUND = 127


class DockerCommand:
    """``docker …`` on one engine; ``run`` on a process's own thread."""

    def __init__(self, engine: Engine, registry: Registry) -> None:
        self._engine = engine
        self._registry = registry

    def run(self, process: Process, words: Sequence[str]) -> int:
        """Do it; the exit code."""
        verb = words[0] if words else ""
        try:
            match tuple(words):
                case ("create", *rest):
                    return self._create(process, rest)
                case ("run", *rest):
                    return self._run(process, rest)
                case ("pull", image):
                    return self._registry.pull(process, image)
                case ("stop", "-t", _, name) | ("stop", name):
                    self._engine.stop(name)
                    return _say(process, name)
                case ("start", name):
                    self._engine.start(name)
                    return _say(process, name)
                case ("rename", name, to):
                    self._engine.rename(name, to)
                    return 0
                case ("rm", "-f", name) | ("rm", name):
                    self._engine.remove(name, force="-f" in words)
                    return _say(process, name)
                case ("update", policy, name) if policy.startswith("--restart="):
                    self._engine.restart_policy(name, policy.removeprefix("--restart="))
                    return _say(process, name)
                case ("volume", *rest):
                    return self._volume(process, rest)
                case _:
                    return _unknown(process, verb)
        except options.BadOption as wrong:
            usage = f"Usage:  docker {verb} [OPTIONS] IMAGE [COMMAND] [ARG...]"
            process.err(f"{wrong}\n\n{usage}\n\nRun 'docker {verb} --help' for more information\n")
            return _RUN_FAILED
        except Refused as refused:
            return _refused(process, verb, refused)

    def _create(self, process: Process, words: Sequence[str]) -> int:
        given = options.read(words, "create")
        self._have(process, given)
        made = self._engine.create(given.last("--name") or "", given.body(process.all_input()))
        return _say(process, made.id)

    def _run(self, process: Process, words: Sequence[str]) -> int:
        given = options.read(words, "run")
        self._have(process, given)
        # Only what reads it waits for the end of stdin, as with the real one.
        reads = "--interactive" in given.flags or given.last("--env-file") is not None
        stdin = process.all_input() if reads else b""
        made = self._engine.create(given.last("--name") or "", given.body(stdin))
        if "--detach" in given.flags:
            self._engine.start(made.id)
            return _say(process, made.id)
        made.stdin = stdin
        made.log.attach(lambda stream, text: (process.out if stream == 1 else process.err)(text))
        with process.when_closed(lambda: self._engine.remove(made.id, force=True)):
            self._engine.start(made.id)
            made.ended.wait()
        return made.exit_code

    def _have(self, process: Process, given: options.Options) -> None:
        try:
            self._engine.image(given.image)
        except Refused:
            if given.last("--pull") == "never":
                raise
            process.err(f"Unable to find image '{given.image}' locally\n")
            self._registry.pull(process, given.image)
            self._engine.image(given.image)

    def _volume(self, process: Process, words: Sequence[str]) -> int:
        match tuple(words):
            case ("create", *rest):
                labels = [rest[at + 1] for at, word in enumerate(rest[:-1]) if word == "--label"]
                self._engine.make_volume(rest[-1], dict(each.partition("=")[::2] for each in labels))
                return _say(process, rest[-1])
            case ("rm", name):
                self._engine.remove_volume(name)
                return _say(process, name)
            case _:
                return _unknown(process, f"volume {' '.join(words)}")


def _unknown(process: Process, words: str) -> int:
    process.err(f"docker: unknown command: docker {words}\n\nRun 'docker --help' for more information\n")
    return 1


def _say(process: Process, line: str) -> int:
    process.out(f"{line}\n")
    return 0


def _refused(process: Process, verb: str, refused: Refused) -> int:
    if verb == "run":
        process.err(f"docker: Error response from daemon: {refused.message}\n")
        process.err("\nRun 'docker run --help' for more information\n")
        return _NOT_FOUND if "executable file not found" in refused.message else _RUN_FAILED
    process.err(f"Error response from daemon: {refused.message}\n")
    if verb == "start":
        process.err("Error: failed to start containers\n")
    return 1
