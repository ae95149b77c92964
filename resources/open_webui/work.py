"""The way in, and the last of the program's files: a command, its end, and the last line that tells it."""

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resources.open_webui.answers import Options, Problem, options_of, say
    from resources.open_webui.archiving import archive
    from resources.open_webui.looking import look
    from resources.open_webui.manifest import verify
    from resources.open_webui.restoring import restore
    from resources.open_webui.wiping import wipe

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def main(arguments: Sequence[str]) -> int:
    """Do a command, `COMMAND JSON`; 0, or 1 when the last line is a problem."""
    try:
        say(_done(arguments))
    except Problem as problem:
        say({"problem": {"code": problem.code, "detail": problem.detail}})
        return 1
    except OSError as failed:
        code = "no-space" if failed.errno in DISK_FULL else "unreadable"
        say({"problem": {"code": code, "detail": f"{failed.filename or ''}: {failed.strerror or failed}"}})
        return 1
    except Exception as failed:
        traceback.print_exc()
        say({"problem": {"code": "unexpected", "detail": f"{type(failed).__name__}: {failed}"}})
        return 1
    return 0


def _done(arguments: Sequence[str]) -> dict[str, object]:
    commands: dict[str, Callable[[Options], dict[str, object]]] = {
        "look": look,
        "archive": archive,
        "wipe": wipe,
        "restore": restore,
        "verify": verify,
    }
    if not arguments or len(arguments) > 2 or arguments[0] not in commands:
        raise Problem("bad-request", f"one of {', '.join(commands)}, and its options as JSON")
    return commands[arguments[0]](options_of(arguments[1] if len(arguments) == 2 else "{}"))


def _end(_number: int, _frame: object) -> None:
    os._exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    # The first process of a container does not die of SIGTERM by itself. Being killed is what this program
    # is made for, so it does nothing else then.
    signal.signal(signal.SIGTERM, _end)
    sys.exit(main(sys.argv[1:]))
