"""What a person sees of a picture, and what holds for all of it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass

import msgspec

from sparktray.cli.output import Output
from sparktray.cli.tables import status_lines
from sparktray.cli.views import status_view
from sparktray.decide.clients.view import server_rows
from sparktray.decide.showing.containers import container_rows, gpu_line, trouble
from sparktray.decide.showing.header import header
from sparktray.decide.showing.logs import log_choices, log_missing, log_state, wanted_log
from sparktray.decide.showing.memory import memory_bar
from sparktray.decide.showing.menu import menu
from sparktray.decide.showing.models import groups, hindrance
from sparktray.domain.phrase import Phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import Snapshot
from sparktray.domain.text import has_hidden
from sparktray.wording import Wording

ENGLISH, GERMAN = WORDINGS = (Wording("en"), Wording("de"))
_OUTPUTS = tuple(Output(say) for say in WORDINGS)
LONGEST_TEXT = 20_000
_VIEWS: tuple[Callable[[Snapshot], object], ...] = (
    menu,
    groups,
    hindrance,
    container_rows,
    trouble,
    memory_bar,
    log_choices,
    wanted_log,
)


def phrases(view: object) -> Iterator[Phrase]:
    """All sentences in a view, however deep."""
    if isinstance(view, Phrase):
        yield view
    elif is_dataclass(view):
        for each in fields(view):
            yield from phrases(getattr(view, each.name))
    elif isinstance(view, msgspec.Struct):
        for name in view.__struct_fields__:
            yield from phrases(getattr(view, name))
    elif isinstance(view, Mapping):
        for value in view.values():
            yield from phrases(value)
    elif isinstance(view, tuple | list | frozenset | set):
        for value in view:
            yield from phrases(value)


@functools.lru_cache(maxsize=4_096)
def plain(text: str) -> None:
    """It can be shown: nothing hidden in it, of bounded length, and of characters that can be encoded."""
    assert not has_hidden(text), ascii(text[:300])
    assert len(text) <= LONGEST_TEXT, len(text)
    text.encode()


def said(view: object) -> None:
    """Every sentence in it can be shown."""
    for each in phrases(view):
        plain(GERMAN(each))


def told(problem: Problem | None) -> None:
    """A problem has a cause and a remedy that can be shown."""
    if problem is not None:
        said((problem.cause, problem.remedy))
        plain(problem.code)


def looked_at(snapshot: Snapshot, now: float) -> None:
    """Menu, panel and command line show this picture, as people and as programs read it."""
    for view in _VIEWS:
        said(view(snapshot))
    said(header(snapshot, now))
    said(gpu_line(snapshot.vitals))
    said(server_rows(snapshot, (), (), ()))
    for state in snapshot.servers:
        said((log_missing(snapshot, state.name), log_state(snapshot, state.name)))
    for out in _OUTPUTS:
        for line in status_lines(snapshot, out):
            plain(line)
        json.loads(msgspec.json.encode(status_view(snapshot, out.say)))
