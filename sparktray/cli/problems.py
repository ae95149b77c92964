"""Exit codes: a fixed number for every kind of problem and every end of an operation."""

from __future__ import annotations

from typing import assert_never

from sparktray.domain.operation import Operation, OperationEnd
from sparktray.domain.problem import Problem

DONE, FAILED, USAGE, UNREACHABLE, LOGIN = 0, 1, 2, 3, 4
HOST_KEY, NOT_IN_TIME, REFUSED, NEEDS_YOU, CANCELLED = 5, 6, 7, 8, 130

_EXACT = {
    "usage": USAGE,
    "no-host": USAGE,
    "host-unreachable": UNREACHABLE,
    "port-closed": UNREACHABLE,
    "host-silent": UNREACHABLE,
    "name-not-found": UNREACHABLE,
    "ssh-silent": UNREACHABLE,
    "ssh-broken": UNREACHABLE,
    "link-lost": UNREACHABLE,
    "not-connected": UNREACHABLE,
    "forwarding-forbidden": UNREACHABLE,
    "session-refused": UNREACHABLE,
    "login-refused": LOGIN,
    "key-unusable": LOGIN,
    "key-not-accepted": LOGIN,
    "agent-unusable": LOGIN,
    "secret-missing": LOGIN,
    "key-needed": LOGIN,
    "login-cancelled": LOGIN,
    "host-key-unknown": HOST_KEY,
    "host-key-changed": HOST_KEY,
    "host-key-revoked": HOST_KEY,
    "not-ready-in-time": NOT_IN_TIME,
}
_FAMILIES = {"usage-": USAGE, "catalogue-": USAGE, "store-": USAGE, "docker-": UNREACHABLE}


class Told(Exception):
    """A command ends with this problem; ``exit_code`` when it is another than the code's own."""

    def __init__(self, problem: Problem, exit_code: int | None = None) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.exit_code = exit_of(problem.code) if exit_code is None else exit_code


def exit_of(code: str, otherwise: int = FAILED) -> int:
    """The exit code for a problem's code word; ``otherwise`` for one that has none of its own."""
    if code in _EXACT:
        return _EXACT[code]
    return next((number for start, number in _FAMILIES.items() if code.startswith(start)), otherwise)


def exit_of_operation(operation: Operation) -> int:
    """The exit code for an operation that is over."""
    code = operation.failure.code if operation.failure is not None else ""
    match operation.end:
        case OperationEnd.DONE | OperationEnd.PLANNED:
            return DONE
        case OperationEnd.REFUSED:
            return exit_of(code, REFUSED) if exit_of(code, REFUSED) != NOT_IN_TIME else REFUSED
        case OperationEnd.ROLLED_BACK | OperationEnd.FAILED | None:
            return NOT_IN_TIME if exit_of(code) == NOT_IN_TIME else FAILED
        case OperationEnd.NEEDS_YOU | OperationEnd.INTERRUPTED:
            return NEEDS_YOU
        case OperationEnd.CANCELLED:
            return CANCELLED
        case _:  # pragma: no cover
            assert_never(operation.end)
