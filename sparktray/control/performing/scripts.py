"""Running the person's own scripts on the host, with their output shown as it comes."""

from __future__ import annotations

from sparktray.control.performing.task import NotProven, Task
from sparktray.decide.identity import port_held
from sparktray.domain.action import RunScript
from sparktray.domain.docker.answers import listed
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.text import clean_line, split_log
from sparktray.remote.errors import DeadlinePassed

# A script may itself wait until the model serves, which takes up to 15 minutes on a Spark.
_DEADLINE = 1800.0
# Enough for its last words; the rest went to the screen line by line.
_CAP = 64 * 1024
_NOT_THERE, _NOT_EXECUTABLE = 127, 126


def run_script(task: Task, action: RunScript) -> None:
    """Run it, unless what it shall achieve is so already: after a lost link it may have gone on by itself."""
    if _holds_port(task, action) is action.starts:
        return

    def heard(stdout: bytes, stderr: bytes) -> None:
        for line in split_log((stdout + stderr).decode("utf-8", "replace")):
            task.say(line)

    try:
        told = task.remote.run(
            list(action.argv), deadline=_DEADLINE, on_output=heard, cancel=task.cancel, cap=_CAP
        )
    except DeadlinePassed:
        raise NotProven(_hangs(action)) from None
    if told.exit_code != 0:
        said = (told.stdout + told.stderr).decode("utf-8", "replace")
        raise NotProven(_failed(action, told.exit_code, "\n".join(split_log(said)[-20:])))


def _holds_port(task: Task, action: RunScript) -> bool:
    containers = listed(task.remote.docker.containers())
    return any(port_held(each, action.port) for each in containers)


def _failed(action: RunScript, code: int | None, said: str) -> Problem:
    name = clean_line(action.argv[0])
    if code == _NOT_THERE:
        return Problem(
            "script-missing",
            phrase("The host has no script {script}.", script=name),
            phrase('Correct "start" or "stop" of this model in models.json; the whole path is safest.'),
            said,
        )
    if code == _NOT_EXECUTABLE:
        return Problem(
            "script-not-executable",
            phrase("The script {script} may not be run.", script=name),
            phrase("Make it executable on the host: chmod +x {script}", script=name),
            said,
        )
    ended = phrase("by a signal") if code is None else phrase("with exit code {code}", code=code)
    return Problem(
        "script-failed",
        phrase("The script {script} ended {how}.", script=name, how=ended),
        phrase("Its last lines tell why. Run it on the host by hand to see it all."),
        said,
    )


def _hangs(action: RunScript) -> Problem:
    return Problem(
        "script-hangs",
        phrase(
            "The script {script} did not end within {minutes} minutes.",
            script=clean_line(action.argv[0]),
            minutes=round(_DEADLINE / 60),
        ),
        phrase("It was ended. Let it start the container in the background: docker run -d"),
    )
