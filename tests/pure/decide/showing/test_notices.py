from __future__ import annotations

import pytest
from msgspec.structs import replace

from sparktray.decide.reduce import begin
from sparktray.decide.showing.notices.events import is_wanted, mended, notices
from sparktray.decide.showing.notices.notice import (
    ActionKind,
    Notice,
    NoticeAction,
    NoticeKind,
    Urgency,
    Withdraw,
)
from sparktray.domain.asking import Health, Reading
from sparktray.domain.events import LinkUp, Wished
from sparktray.domain.facts.survey import BrokenOff
from sparktray.domain.operation import BackWish, Operation, OperationEnd, StepName, StopWish, SwitchWish
from sparktray.domain.phrase import phrase
from tests.pure.decide.building import (
    Desk,
    connected,
    ended,
    ready,
    rendered,
    serving,
)
from tests.pure.decide.showing.listening import (
    FAILURE,
    LOG,
    SCOUT_BOX,
    Listener,
    down,
    heard,
    listening,
    operation,
    told,
    wished,
)
from tests.pure.decide.story import begin_story, cancels_at, fails_at

COPY = NoticeAction(ActionKind.COPY_ID, "sglang")

# Operations of this tray


def test_a_switch_of_this_tray_ends_with_one_notice_that_copies_the_id() -> None:
    listener = heard(wished(SwitchWish("coder"), SCOUT_BOX), "op-1")
    notice = listener.only()
    assert (notice.kind, notice.key, notice.urgency) == (NoticeKind.SWITCHED, "operation", Urgency.LOW)
    assert told(notice) == ("coder is ready.", "It runs on sglang of spark.")
    assert notice.action == COPY


def test_a_switch_of_somebody_else_on_this_computer_is_no_notice_of_this_tray() -> None:
    assert heard(wished(SwitchWish("coder"), SCOUT_BOX)).told == []


@pytest.mark.parametrize(
    ("wish", "title", "text"),
    [
        (StopWish("sglang"), "sglang is stopped.", "It holds no model any more."),
        (StopWish(), "All servers are stopped.", "No model is running on spark."),
    ],
)
def test_a_stop_ends_with_one_notice_without_a_button(wish: StopWish, title: str, text: str) -> None:
    listener = heard(wished(wish, SCOUT_BOX), "op-1")
    notice = listener.only()
    assert (notice.kind, notice.action) == (NoticeKind.SWITCHED, None)
    assert told(notice) == (title, text)


@pytest.mark.parametrize("wish", [SwitchWish("scout"), StopWish("vllm")])
def test_what_is_so_already_is_not_told(wish: SwitchWish | StopWish) -> None:
    story = wished(wish, SCOUT_BOX)
    assert heard(story, "op-1").told == []
    assert story.operation.end is OperationEnd.DONE


def test_what_could_not_be_tidied_up_is_said_with_the_success() -> None:
    story = wished(SwitchWish("coder"), SCOUT_BOX)
    story.fault = fails_at(StepName.COMMIT)
    notice = heard(story, "op-1").only()
    assert notice.kind is NoticeKind.SWITCHED
    assert told(notice) == ("coder is ready.", "It broke. Mend it.")


@pytest.mark.parametrize(
    ("name", "back", "end", "title"),
    [
        (
            StepName.START,
            None,
            OperationEnd.ROLLED_BACK,
            "Switching to coder: failed. What ran before runs again.",
        ),
        (
            StepName.START,
            StepName.START,
            OperationEnd.NEEDS_YOU,
            "Switching to coder: failed, and what ran before could not be brought back.",
        ),
    ],
)
def test_a_failed_switch_tells_the_cause_and_shows_the_log(
    name: StepName, back: StepName | None, end: OperationEnd, title: str
) -> None:
    story = wished(SwitchWish("coder"), SCOUT_BOX)
    first, second = fails_at(name), fails_at(back or name, back=True)
    story.fault = lambda s, p: first(s, p) or (second(s, p) if back is not None else None)
    notice = heard(story, "op-1").only()
    assert story.operation.end is end
    assert (notice.kind, notice.key, notice.urgency) == (NoticeKind.FAILED, "operation", Urgency.NORMAL)
    assert told(notice) == (title, "It broke. Mend it.")
    assert notice.action == LOG


def test_a_switch_without_a_way_back_fails_with_its_cause() -> None:
    story = wished(SwitchWish("coder"))
    story.fault = fails_at(StepName.START)
    notice = heard(story, "op-1").only()
    assert story.operation.end is OperationEnd.FAILED
    assert (notice.kind, notice.action) == (NoticeKind.FAILED, LOG)


def test_a_refusal_is_told_with_its_cause_and_has_no_log_to_show() -> None:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    listener = listening(desk, "op-1")
    desk.take(Wished(SwitchWish("nothing"), 1, "op-1"))
    listener.hear(desk.snapshot, desk.now)
    notice = listener.only()
    assert (notice.kind, notice.action) == (NoticeKind.FAILED, None)
    assert told(notice)[0] == "Switching to nothing: refused, nothing was changed."
    assert told(notice)[1].startswith("There is no model nothing in the catalogue. Use one of these: ")


def test_two_refusals_of_the_same_wish_are_two_answers() -> None:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    listener = listening(desk, "op-1", "op-2")
    for number in (1, 2):
        desk.take(Wished(SwitchWish("nothing"), number, f"op-{number}"))
        listener.hear(desk.snapshot, desk.now)
        listener.hear(desk.snapshot, desk.now)
    assert listener.kinds == ["failed", "failed"]
    assert len({t.key for t in listener.told}) == 1, "the second takes the first one's place"


@pytest.mark.parametrize("name", ["nothing", "coder"], ids=["refused", "planned"])
def test_a_dry_run_is_never_told(name: str) -> None:
    story = wished(SwitchWish(name, dry_run=True), SCOUT_BOX)
    assert heard(story, "op-1").told == []


@pytest.mark.parametrize("index", [0, 3, 7])
def test_a_cancelled_switch_is_never_told(index: int) -> None:
    story = wished(SwitchWish("coder"), SCOUT_BOX)
    story.fault = cancels_at(index)
    assert heard(story, "op-1").told == []
    assert story.operation.end is OperationEnd.CANCELLED


def test_a_cancel_that_could_not_bring_back_what_ran_is_told() -> None:
    story = wished(SwitchWish("coder"), SCOUT_BOX)
    cancel, fail = cancels_at(7), fails_at(StepName.START, back=True)
    story.fault = lambda s, p: cancel(s, p) or fail(s, p)
    assert heard(story, "op-1").kinds == ["failed"]
    assert story.operation.end is OperationEnd.NEEDS_YOU


def pair(after: Operation, before: Operation | None = None, desk: Desk | None = None) -> tuple[Notice, ...]:
    base = (desk or serving(SCOUT_BOX, sglang=ready("scout"))).snapshot
    return notices(replace(base, operation=before), replace(base, operation=after), frozenset({"op-1"}))


@pytest.mark.parametrize(
    ("end", "kinds"),
    [
        (OperationEnd.DONE, []),
        (OperationEnd.PLANNED, []),
        (OperationEnd.CANCELLED, []),
        (OperationEnd.REFUSED, [NoticeKind.FAILED]),
        (OperationEnd.ROLLED_BACK, [NoticeKind.FAILED]),
        (OperationEnd.FAILED, [NoticeKind.FAILED]),
        (OperationEnd.NEEDS_YOU, [NoticeKind.FAILED]),
    ],
)
def test_every_end_without_steps(end: OperationEnd, kinds: list[NoticeKind]) -> None:
    over = operation(end, failure=FAILURE)
    assert [n.kind for n in pair(over)] == kinds
    assert [n.kind for n in pair(over, replace(over, end=None))] == kinds
    assert pair(over, over) == (), "an unchanged picture is not told twice"


def test_a_failure_without_a_cause_points_to_the_log() -> None:
    (notice,) = pair(operation(OperationEnd.FAILED))
    assert rendered(notice.text) == "Look at the log of the server."
    (unplaced,) = pair(operation(OperationEnd.FAILED, server=None))
    assert unplaced.action is None


@pytest.mark.parametrize(
    "desk",
    [
        serving(SCOUT_BOX, sglang=ready("scout\u200b")),
        serving(SCOUT_BOX, sglang=Reading(Health.WARMING)),
        connected(),
    ],
    ids=["hidden-characters", "not-ready", "gone"],
)
def test_an_id_is_offered_only_where_it_can_be_copied(desk: Desk) -> None:
    runs = wished(SwitchWish("scout")).run().runs
    (notice,) = pair(operation(OperationEnd.DONE, runs=runs), desk=desk)
    assert notice.kind is NoticeKind.SWITCHED
    assert notice.action is None


# The link


@pytest.mark.parametrize("code", ["host-key-changed", "host-key-unknown", "login-refused", "key-unusable"])
def test_trouble_with_host_key_or_login_is_told_once(code: str) -> None:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    listener = listening(desk)
    listener.hear(down(desk, "link-lost", blocked=False), desk.now)
    assert listener.told == []
    for _ in range(2):
        listener.hear(down(desk, code, blocked=True), desk.now)
    notice = listener.only()
    assert (notice.kind, notice.key, notice.urgency) == (NoticeKind.LINK_BLOCKED, "link", Urgency.CRITICAL)
    assert told(notice) == ("spark waits for you.", "It broke. Mend it.")
    listener.hear(down(desk, "another-code", blocked=True), desk.now)
    assert listener.kinds == ["link-blocked"] * 2, "other trouble is another occurrence"


def test_trouble_that_comes_back_is_told_again() -> None:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    listener = listening(desk)
    for _ in range(2):
        listener.hear(down(desk, "login-refused", blocked=True), desk.now)
        desk.take(LinkUp(desk.snapshot.epoch))
        listener.hear(desk.snapshot, desk.now)
    assert listener.kinds == ["link-blocked"] * 2


def started(code: str, *, blocked: bool) -> Listener:
    """The first connection of all ends so."""
    desk = Desk()
    listener = listening(desk)
    desk.snapshot, _ = begin(desk.snapshot, desk.now)
    listener.hear(desk.snapshot, desk.now)
    for _ in range(2):
        listener.hear(down(desk, code, blocked=blocked), desk.now)
    return listener


@pytest.mark.parametrize("code", ["host-key-unknown", "login-refused", "key-unusable"])
def test_trouble_at_the_start_is_for_the_icon_to_show(code: str) -> None:
    assert started(code, blocked=True).told == []


def test_a_host_that_is_away_at_the_start_is_no_news() -> None:
    assert started("host-silent", blocked=False).told == []


def test_a_changed_host_key_is_told_even_at_the_start() -> None:
    notice = started("host-key-changed", blocked=True).only()
    assert (notice.kind, notice.urgency) == (NoticeKind.LINK_BLOCKED, Urgency.CRITICAL)


def test_what_was_told_of_the_link_is_taken_back_when_it_is_up_again() -> None:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    assert mended(desk.snapshot, {"operation", "down:sglang"}) == ()
    blocked = down(desk, "login-refused", blocked=True)
    assert mended(blocked, {"link"}) == ()
    desk.take(LinkUp(blocked.epoch))
    assert mended(desk.snapshot, {"link", "operation"}) == (Withdraw("link"),)


# What a person wants to be told


def of_kind(kind: NoticeKind) -> Notice:
    return Notice(kind, "key", phrase("It broke."), phrase("Mend it."), Urgency.NORMAL)


@pytest.mark.parametrize("kind", NoticeKind)
def test_each_kind_can_be_switched_off(kind: NoticeKind) -> None:
    others = frozenset(str(each) for each in NoticeKind if each is not kind)
    assert is_wanted(of_kind(kind), others | {"of-a-later-version"}, in_front=False)
    assert not is_wanted(of_kind(kind), frozenset({str(kind)}), in_front=False)


@pytest.mark.parametrize("kind", NoticeKind)
def test_before_a_panel_that_shows_it_a_success_is_not_told_and_all_else_is(kind: NoticeKind) -> None:
    assert is_wanted(of_kind(kind), frozenset(), in_front=True) is (kind is not NoticeKind.SWITCHED)


def test_a_host_that_is_away_is_retried_without_a_word() -> None:
    desk = serving(SCOUT_BOX, sglang=ready("scout"))
    listener = listening(desk)
    for _ in range(20):
        desk.now += 30
        listener.hear(down(desk, "host-silent", blocked=False), desk.now)
    assert listener.told == []


def test_a_way_back_that_was_asked_for_here_is_told() -> None:
    story = begin_story(ended(replace(SCOUT_BOX, name="sglang.previous")))
    broken = BrokenOff("op-0", "sglang", (SCOUT_BOX,))
    story.host.change_survey = lambda found: replace(found, broken=broken)
    story.wish(BackWish("op-0"))
    notice = heard(story, "op-1").only()
    assert told(notice) == ("Gone back.", "What ran before runs again on spark.")
    assert notice.action is None
