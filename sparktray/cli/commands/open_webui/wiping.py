"""`webui wipe` and `webui restore`: a preview, a typed yes, an operation."""

from __future__ import annotations

import sys

from sparktray.cli.commands.changes import carried_out, tell
from sparktray.cli.commands.open_webui.account import kept_key
from sparktray.cli.commands.open_webui.opening import open_for_the_first
from sparktray.cli.commands.open_webui.views import preview_view, print_preview
from sparktray.cli.problems import CANCELLED, Told, exit_of_operation
from sparktray.cli.request import Request, Session
from sparktray.decide.webui.planning import plan_for
from sparktray.decide.webui.preview import preview
from sparktray.domain.facts.survey import Survey
from sparktray.domain.open_webui import WipeScope
from sparktray.domain.operation import ForgetWish, OperationEnd, RestoreWish, WipeWish
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.webui.household import archives, household


def wipe(request: Request, session: Session) -> int:
    """Show what goes and what stays, have it confirmed, and do it."""
    options, snapshot = request.options, session.containers()
    known = snapshot.catalogue.open_webui
    wish = _wish(request)
    if wish.scope is WipeScope.CHATS:
        kept_key(request, session)  # whoever is not signed in is told before anything is shown
    house = household(session.remote(), known, wish.older_than)
    refused = plan_for(known, wish, Survey(True, 0.0, household=house), "preview")
    if isinstance(refused, Problem):
        raise Told(refused)
    shown = preview(snapshot.host, known, wish, house)
    if not request.out.as_json:
        print_preview(request, shown)
    elif options.dry_run:
        request.out.json({"preview": preview_view(shown, request)})
        return 0
    if not options.dry_run and not options.yes and not _confirmed(request, shown.typed):
        request.out.aside(request.say(phrase("Nothing is changed.")))
        return CANCELLED
    after, operation = carried_out(request, session, wish)
    tell(request, after, operation)
    emptied = wish.scope is WipeScope.EVERYTHING and operation.end is OperationEnd.DONE
    if emptied and not request.out.as_json:
        open_for_the_first(request, session)
    return exit_of_operation(operation)


def restore(request: Request, session: Session) -> int:
    """Bring back what an archive keeps."""
    session.containers()
    options = request.options
    wish = RestoreWish(options.archive, dry_run=options.dry_run)
    after, operation = carried_out(request, session, wish)
    tell(request, after, operation)
    return exit_of_operation(operation)


def forget(request: Request, session: Session) -> int:
    """Remove what is kept to go back by: what was deleted is gone for good then."""
    options = request.options
    typed = session.containers().catalogue.open_webui.container
    name = None if options.all else options.archive
    going = [each for each in archives(session.remote()) if name in {None, each.name}]
    if going and not options.dry_run and not options.yes:
        request.out.line(request.say(phrase("Removed for good, without a way back:")))
        for each in going:
            request.out.line(f"  {each.name}")
        if not _confirmed(request, typed):
            request.out.aside(request.say(phrase("Nothing is changed.")))
            return CANCELLED
    after, operation = carried_out(request, session, ForgetWish(name, dry_run=options.dry_run))
    tell(request, after, operation)
    return exit_of_operation(operation)


def _wish(request: Request) -> WipeWish:
    options = request.options
    if options.everything:
        scope = WipeScope.EVERYTHING
    else:
        scope = WipeScope.ALL_CHATS if options.all_chats else WipeScope.CHATS
    if options.older_than is not None and scope is WipeScope.EVERYTHING:
        raise Told(
            Problem(
                "usage",
                phrase("--older-than is about chats, and does not go with --everything."),
                phrase("Use it with --chats or --all-chats."),
            )
        )
    return WipeWish(scope, options.older_than, archive=not options.no_archive, dry_run=options.dry_run)


def _confirmed(request: Request, typed: str) -> bool:
    """A yes is the name of the container, typed at this terminal."""
    if request.out.as_json or request.live is not None or not sys.stdin.isatty():
        raise Told(
            Problem(
                "usage",
                phrase("Deleting needs a person who types the container's name, or --yes."),
                phrase("Run it in a terminal; it shows what goes and asks. With --yes it does not ask."),
            )
        )
    asked = phrase("To delete this, type the name of the container ({name}):", name=typed)
    request.out.aside(request.say(asked) + " ", end="")
    return sys.stdin.readline().strip() == typed
