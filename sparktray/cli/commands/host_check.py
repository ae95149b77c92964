"""`host test`: everything that must be so, one after the other, each with its remedy."""

from __future__ import annotations

from sparktray.cli.problems import DONE, UNREACHABLE, exit_of
from sparktray.cli.request import Request
from sparktray.cli.terminal.person import person_at_terminal
from sparktray.control.checking import Check, Dial, Stage, checks, title_of
from sparktray.domain.host import HostProfile
from sparktray.store.catalogue_file import load_catalogue
from sparktray.store.paths import ConfigFolder
from sparktray.wiring import dialer, vault_of


def tested(request: Request, host: HostProfile) -> int:
    """Run the stages and print each as it is known; the exit code of the first that is not well."""
    shown: list[dict[str, object]] = []
    code = DONE
    folder = ConfigFolder.find(request.options.config)
    for check in checks(host, dialer_for(request, folder), load_catalogue(folder)):
        code = code or code_of(check)
        if request.out.as_json:
            shown.append(view_of(request, check))
        else:
            for line in lines_of(request, check):
                request.out.line(line)
    if request.out.as_json:
        request.out.json({"host": host.name, "stages": shown})
    return code


def code_of(check: Check) -> int:
    """The exit code that a stage asks for."""
    if check.problem is None:
        return DONE
    otherwise = 1 if check.stage in {Stage.GPU, Stage.FOLDERS, Stage.ENGINES} else UNREACHABLE
    return exit_of(check.problem.code, otherwise)


def dialer_for(request: Request, folder: ConfigFolder) -> Dial:
    """A connection of its own, with whoever sits at the terminal to answer."""
    vault = vault_of(folder)
    vault.told = request.out.problem
    return dialer(vault, person_at_terminal(request.say, as_json=request.out.as_json))


def view_of(request: Request, check: Check) -> dict[str, object]:
    """A stage as JSON."""
    problem = check.problem
    return {
        "stage": check.stage,
        "ok": problem is None,
        "detail": check.detail if problem is None else request.say(problem.cause),
        "remedy": None if problem is None else request.say(problem.remedy),
        "code": None if problem is None else problem.code,
    }


def lines_of(request: Request, check: Check) -> list[str]:
    """A stage as a person reads it: the mark, what was found, and the remedy beneath."""
    say = request.say
    mark = "✓" if check.problem is None else "✗"
    width = max(len(say(title_of(stage))) for stage in Stage)
    head = f"{mark}  {say(title_of(check.stage)):{width}}  "
    if check.problem is None:
        return [(head + check.detail).rstrip()]
    return [head + say(check.problem.cause), " " * len(head) + say(check.problem.remedy)]
