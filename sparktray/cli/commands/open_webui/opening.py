"""`webui open`: its page in this computer's browser."""

from __future__ import annotations

import webbrowser

from sparktray.cli.problems import DONE, FAILED, Told
from sparktray.cli.request import Request, Session
from sparktray.control.open_webui import PageSilent, page
from sparktray.domain.phrase import phrase

_NAP_SECONDS = 0.5
_KEPT_OPEN = phrase("Its port is closed to this computer, so this command keeps a way open. Ctrl-C ends it.")


def open_page(request: Request, session: Session) -> int:
    """Open it; where its port is closed to this computer, a forward lasts as long as the command."""
    snapshot, remote = session.containers(), session.remote()
    try:
        shown = page(remote, snapshot.catalogue.open_webui, session.host, session.controller.open_remote)
    except PageSilent as silent:
        raise Told(silent.problem, FAILED) from None
    _show(request, shown.url)
    if shown.forward is None:
        return DONE
    try:
        request.out.aside(request.say(_KEPT_OPEN))
        while True:
            session.wait(lambda snapshot: False, _NAP_SECONDS)
    finally:
        shown.forward.close()


def open_for_the_first(request: Request, session: Session) -> None:
    """After everything was deleted: whoever comes first becomes administrator, which shall be this person.

    A page behind a closed port needs a command that lasts, so it is named.
    """
    snapshot, remote = session.containers(), session.remote()
    request.out.line(
        request.say(phrase("Nobody has an account: whoever signs up first is its administrator."))
    )
    try:
        shown = page(remote, snapshot.catalogue.open_webui, session.host, session.controller.open_remote)
    except PageSilent as silent:
        raise Told(silent.problem, FAILED) from None
    if shown.forward is None:
        _show(request, shown.url)
        return
    shown.forward.close()
    request.out.line(request.say(phrase("Open its page now: {command}", command="sparktray webui open")))


def _show(request: Request, url: str) -> None:
    if request.out.as_json:
        request.out.json({"url": url})
        return
    request.out.line(url)
    if not webbrowser.open(url):
        request.out.aside(request.say(phrase("No browser could be started; open the address yourself.")))
