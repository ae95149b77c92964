"""What the page about clients shows of a server."""

from __future__ import annotations

import pytest

from sparktray.decide.clients.client import Client
from sparktray.decide.clients.remembered import CopiedId, KeptForward, PublicUrl
from sparktray.decide.clients.view import (
    ServerRow,
    Way,
    client_name,
    nothing_to_show,
    preferred,
    server_rows,
)
from sparktray.domain.asking import Health, Reading
from sparktray.domain.docker.container import PublishedPort
from sparktray.domain.events import LinkDown
from tests.pure.decide.building import (
    Desk,
    connected,
    problem,
    ready,
    rendered,
    serving,
    sglang_box,
    vllm_box,
)

FORWARD = KeptForward(host="spark", server="sglang", port=30000)
PUBLIC = PublicUrl(host="spark", server="sglang", url="https://spark.example.org/v1")
LOOPBACK = (PublishedPort(30000, 30000, "127.0.0.1"),)


def scout(**changes: object) -> Desk:
    return serving(sglang_box(**changes), sglang=ready("scout"))  # type: ignore[arg-type]


def only(desk: Desk, **more: tuple[object, ...]) -> ServerRow:
    (row,) = server_rows(desk.snapshot, **more)  # type: ignore[arg-type]
    return row


def test_a_server_with_all_its_addresses() -> None:
    row = only(scout(), forwards=(FORWARD,), public=(PUBLIC,))
    assert row.server == "sglang" and row.why is None and row.key is None
    assert [(each.way, each.url) for each in row.addresses] == [
        (Way.DIRECT, "http://spark.local:30000/v1"),
        (Way.FORWARD, "http://127.0.0.1:30000/v1"),
        (Way.PUBLIC, "https://spark.example.org/v1"),
    ]
    for way, url in ((each.way, each.url) for each in row.addresses):
        at = row.reached(way)
        assert at is not None and at.base_url == url and at.model_id == "scout"
    assert only(scout()).reached(Way.FORWARD) is None
    assert "open to its whole network" in rendered(row.notes[0]) and "stop the model" in rendered(
        row.notes[1]
    )


def test_what_belongs_to_another_host_or_server_is_not_its_own() -> None:
    others = (
        KeptForward(host="other", server="sglang", port=1),
        KeptForward(host="spark", server="vllm", port=2),
    )
    public = (PublicUrl(host="other", server="sglang", url="https://x.org/v1"),)
    assert [each.way for each in only(scout(), forwards=others, public=public).addresses] == [Way.DIRECT]


def test_a_closed_port_is_reached_by_a_forward() -> None:
    row = only(scout(ports=LOOPBACK))
    assert row.addresses == () and row.at is not None
    assert [rendered(note) for note in row.notes] == [
        "Port 30000 is open on spark alone: clients of this computer reach it by a forward."
    ]


def test_a_server_that_asks_for_a_key_says_so() -> None:
    row = only(serving(sglang_box(), sglang=Reading(Health.LOCKED)))
    assert row.at is None and row.why is not None and rendered(row.why) == "sglang asks for a key."
    assert (row.key, row.key_missing) == ("spark/sglang-api-key", True)
    assert row.reached(Way.DIRECT) is None


def test_an_id_that_cannot_be_seen_is_not_handed_on() -> None:
    row = only(serving(sglang_box(), sglang=ready("sc\u202eout")))
    assert row.at is None and row.why is not None and "cannot be seen" in rendered(row.why)


def test_a_name_that_says_nothing_is_told_with_what_is_loaded() -> None:
    notes = only(serving(sglang_box(served="gpt-4o-mini"), sglang=ready("gpt-4o-mini"))).notes
    assert rendered(notes[0]).endswith("/models/scout.")


def test_what_clients_were_given_and_is_no_longer_served() -> None:
    old = CopiedId(host="spark", server="sglang", model_id="coder-30b", client="cursor")
    here = CopiedId(host="spark", server="sglang", model_id="scout")
    there = CopiedId(host="spark", server="vllm", model_id="coder-30b", client="cline")
    assert only(scout(), copies=(old, here, there)).outdated == (old,)
    locked = serving(sglang_box(), sglang=Reading(Health.LOCKED))
    assert only(locked, copies=(old,)).outdated == (), "nobody knows what it serves"


def test_several_servers_and_none() -> None:
    both = serving(sglang_box(), vllm_box(), sglang=ready("scout"), vllm=ready("qwen"))
    assert [row.server for row in server_rows(both.snapshot)] == ["sglang", "vllm"]
    assert server_rows(connected().snapshot) == ()
    down = scout()
    down.take(LinkDown(down.snapshot.epoch, problem()))
    assert server_rows(down.snapshot) == ()
    reasons = [rendered(nothing_to_show(each)) for each in (None, connected().snapshot, down.snapshot)]
    assert len(set(reasons)) == 3


@pytest.mark.parametrize(
    ("client", "ways", "best"),
    [
        (Client.CURSOR, (FORWARD, PUBLIC), Way.PUBLIC),
        (Client.CURSOR, (FORWARD,), Way.DIRECT),
        (Client.CLINE, (FORWARD, PUBLIC), Way.DIRECT),
    ],
)
def test_each_client_gets_the_address_that_works_best(
    client: Client, ways: tuple[KeptForward | PublicUrl, ...], best: Way
) -> None:
    forwards = tuple(each for each in ways if isinstance(each, KeptForward))
    public = tuple(each for each in ways if isinstance(each, PublicUrl))
    assert preferred(client, only(scout(), forwards=forwards, public=public)) is best


def test_without_a_direct_way_the_forward_and_then_the_public_one() -> None:
    closed = scout(ports=LOOPBACK)
    assert preferred(Client.CLINE, only(closed, forwards=(FORWARD,), public=(PUBLIC,))) is Way.FORWARD
    assert preferred(Client.CLINE, only(closed, public=(PUBLIC,))) is Way.PUBLIC
    assert preferred(Client.CLINE, only(closed)) is Way.DIRECT


def test_every_client_has_a_name() -> None:
    assert len({client_name(each) for each in Client}) == len(Client)
