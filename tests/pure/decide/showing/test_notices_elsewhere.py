from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from sparktray.decide.showing.notices.events import Served, notices
from sparktray.decide.showing.notices.notice import NoticeKind, Urgency
from sparktray.domain.asking import Health, Reading
from sparktray.domain.docker.container import Container
from sparktray.domain.events import LinkUp
from sparktray.domain.operation import OperationEnd
from tests.pure.decide.building import (
    NOW,
    Desk,
    connected,
    identity,
    ollama_box,
    ours,
    ready,
    serving,
    sglang_box,
)
from tests.pure.decide.showing.listening import (
    CODER_BOX,
    FAILURE,
    SCOUT_BOX,
    Listener,
    down,
    ended_at,
    listening,
    operation,
    told,
)


def replaced_by(
    desk: Desk, listener: Listener, box: Container, served: str, *, pause: float = 5.0
) -> Listener:
    """Somebody stops what runs, and starts and loads another one; the tray hears each picture."""
    state = desk.state()
    assert state.container is not None
    desk.read(ended_at(state.container, desk.now))
    listener.hear(desk.snapshot, desk.now)
    desk.now += pause
    desk.read(box)
    listener.hear(desk.snapshot, desk.now)
    for reading in (Reading(Health.REFUSED), Reading(Health.WARMING), ready(served), ready(served)):
        desk.now += pause
        desk.probe("sglang", reading)
        listener.hear(desk.snapshot, desk.now)
    return listener


def test_another_model_on_a_server_is_told_once_when_it_is_ready() -> None:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    notice = replaced_by(desk, listening(desk), CODER_BOX, "coder-30b").only()
    assert (notice.kind, notice.key) == (NoticeKind.SWITCHED_ELSEWHERE, "elsewhere:sglang")
    assert told(notice) == ("coder is ready.", "Somebody else switched sglang on spark.")
    assert (notice.urgency, notice.action) == (Urgency.LOW, None)


def test_the_same_model_under_another_id_is_told_too() -> None:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    again = sglang_box(served="gpt-4o-mini", id=identity("again"), started_at=NOW + 10)
    notice = replaced_by(desk, listening(desk), again, "gpt-4o-mini").only()
    assert told(notice)[0] == "gpt-4o-mini is ready."


def test_another_model_under_the_same_id_is_told_too() -> None:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    posing = sglang_box(model="coder", served="scout", id=identity("posing"), started_at=NOW + 10)
    assert replaced_by(desk, listening(desk), posing, "scout").kinds == ["switched-elsewhere"]


def test_the_same_model_started_again_is_no_news() -> None:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    again = replace(SCOUT_BOX, started_at=NOW + 10)
    assert replaced_by(desk, listening(desk), again, "scout").told == []


def test_a_server_that_had_nothing_before_is_no_news() -> None:
    desk = connected()
    listener = listening(desk)
    desk.read(SCOUT_BOX)
    listener.hear(desk.snapshot, desk.now)
    desk.probe("sglang", ready("scout"))
    listener.hear(desk.snapshot, desk.now)
    assert listener.told == []
    assert listener.served == {
        "sglang": Served("/home/sparkuser/ai/models/scout", frozenset({"scout"})),
    }


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        (("qwen3:32b",), ("qwen3-coder:30b",), 1),
        (("qwen3:32b",), ("qwen3:32b", "qwen3-coder:30b"), 0),
        (("qwen3:32b",), ("qwen3-coder:30b", "qwen3:32b"), 0),
        (("qwen3-coder:30b", "qwen3:32b"), ("qwen3:32b",), 0),
    ],
    ids=["another-instead", "one-more", "other-order", "one-less"],
)
def test_ollama_lists_what_clients_load(first: Iterable[str], second: Iterable[str], count: int) -> None:
    desk = serving(ollama_box(), ollama=ready(*first))
    listener = listening(desk)
    desk.now += 3
    desk.probe("ollama", ready(*second))
    listener.hear(desk.snapshot, desk.now)
    listener.hear(desk.snapshot, desk.now)
    assert listener.kinds == ["switched-elsewhere"] * count


def test_without_a_memory_the_picture_before_is_what_was_known() -> None:
    desk = serving(ollama_box(), ollama=ready("qwen3:32b"))
    before = desk.snapshot
    desk.probe("ollama", ready("qwen3-coder:30b"))
    (notice,) = notices(before, desk.snapshot, frozenset())
    assert notice.kind is NoticeKind.SWITCHED_ELSEWHERE
    assert notices(before, before, frozenset()) == ()


def test_what_changed_while_the_link_was_down_is_no_news_on_reconnect() -> None:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    listener = listening(desk)
    listener.hear(down(desk, "link-lost", blocked=False), desk.now)
    desk.take(LinkUp(desk.snapshot.epoch), after=8 * 3600)
    listener.hear(desk.snapshot, desk.now)
    desk.read(CODER_BOX)
    listener.hear(desk.snapshot, desk.now)
    desk.probe("sglang", ready("coder-30b"))
    listener.hear(desk.snapshot, desk.now)
    assert listener.told == []
    replaced_by(desk, listener, replace(SCOUT_BOX, started_at=desk.now), "scout")
    assert listener.kinds == ["switched-elsewhere"], "from then on it listens again"


def test_what_our_own_operation_started_is_not_somebody_else() -> None:
    """Left to load by --no-rollback, it becomes ready after its operation is over."""
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    listener = listening(desk)
    over = operation(OperationEnd.FAILED, failure=FAILURE)
    desk.snapshot = replace(desk.snapshot, operation=over)
    listener.hear(desk.snapshot, desk.now)
    replaced_by(desk, listener, ours(CODER_BOX, "op-1"), "coder-30b")
    assert listener.told == []


def test_an_answer_from_before_the_end_of_an_operation_is_not_believed() -> None:
    """Ollama's list still names the new model when its old one has just been brought back."""
    desk = serving(ollama_box(), ollama=ready("qwen3-coder:30b"))
    over = operation(OperationEnd.CANCELLED, server="ollama", ended_at=desk.now + 1)
    listener = Listener(replace(desk.snapshot, operation=replace(over, end=None, ended_at=None)))
    desk.snapshot = replace(desk.snapshot, operation=over)
    listener.hear(desk.snapshot, desk.now)
    assert listener.served == {}
    desk.now += 3
    desk.probe("ollama", ready("qwen3:32b"))
    listener.hear(desk.snapshot, desk.now)
    assert listener.told == []
    assert listener.served["ollama"].ids == {"qwen3:32b"}
