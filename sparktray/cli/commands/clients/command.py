"""Which of the commands for clients."""

from __future__ import annotations

from sparktray.cli.request import Request


def run(request: Request) -> int:
    """Carry it out; each is imported only when it is the one."""
    match request.options.command:
        case "snippet":
            from sparktray.cli.commands.clients import snippet

            return snippet.run(request)
        case "check-cursor":
            from sparktray.cli.commands.clients import check_cursor

            return check_cursor.run(request)
        case "forward":
            from sparktray.cli.commands.clients import forward

            return forward.run(request)
        case _:
            from sparktray.cli.commands.clients import serving

            return serving.run(request)
