"""Docker's answers, from the socket to what a person sees."""

from __future__ import annotations

import contextlib
import json

from hypothesis import strategies as st

from sparktray.control.performing.surveying import Surveyor
from sparktray.control.reading import read_container, read_containers, read_log_tail
from sparktray.decide.effects import ReadContainer, ReadContainers, ReadLogTail
from sparktray.domain.docker.answers import event
from sparktray.domain.docker.pulling import PullReader
from sparktray.domain.events import DockerHappened
from sparktray.domain.facts.survey import Survey
from sparktray.domain.operation import SwitchWish
from sparktray.domain.text import clean_line
from sparktray.remote.errors import RemoteError
from sparktray.webui.household import household
from tests.pure.decide.building import CATALOGUE, HOST, NOW, Desk, connected, sglang_box
from tests.unit.fuzz.fuzzing import corpus, fuzz
from tests.unit.fuzz.looking import looked_at, plain, told
from tests.unit.fuzz.memory_link import MemoryLink, host, http
from tests.unit.fuzz.mutating import changed, changed_json

LISTS = corpus("docker", "list-*.json")
INSPECTS = corpus("docker", "inspect-*.json")
SURVEYED = [corpus("docker", f"{name}*.json") for name in ("info", "images", "volumes")]
BOX = sglang_box(id=json.loads(INSPECTS[0])["Id"])


def shown(desk: Desk) -> None:
    """The picture, now and after its log of the end was read."""
    looked_at(desk.snapshot, NOW)


@fuzz(
    "Docker: list and inspect",
    st.tuples(changed_json(LISTS), changed_json(INSPECTS)),
    examples=40,
    first=[(each, inspect) for each in LISTS for inspect in INSPECTS],
)
def test_containers(answers: tuple[bytes, bytes]) -> None:
    listed, inspect = answers
    remote = host(MemoryLink(lambda path: http(listed if path.startswith("/containers/json") else inspect)))
    desk = connected(BOX)
    epoch = desk.snapshot.epoch
    for happened in (
        read_containers(remote, ReadContainers(epoch, desk.snapshot.sequence), CATALOGUE, HOST),
        read_container(remote, ReadContainer(epoch, desk.snapshot.sequence, BOX.id), HOST),
    ):
        desk.take(happened)
        shown(desk)


@fuzz(
    "Docker: events",
    changed_json(corpus("docker-events")).map(lambda line: line + b"\n"),
    first=corpus("docker-events"),
)
def test_events(line: bytes) -> None:
    lines = line.replace(b"\n", b"") + b"\n"
    remote = host(MemoryLink(lambda path: b"HTTP/1.1 200 OK\r\n\r\n" + lines))
    desk = connected(BOX)
    with contextlib.suppress(RemoteError), remote.docker.events() as stream:
        for answer in stream:
            happened = event(answer)
            if happened is not None:
                desk.take(DockerHappened(desk.snapshot.epoch, happened))
                shown(desk)
    shown(desk)


@fuzz(
    "Docker: refusals",
    st.tuples(st.sampled_from([400, 404, 409, 500]), changed_json(corpus("docker", "refusal.json"))),
)
def test_refusals(answer: tuple[int, bytes]) -> None:
    status, body = answer
    desk = connected(BOX)
    remote = host(MemoryLink(lambda path: http(body, status)))
    effect = ReadContainers(desk.snapshot.epoch, desk.snapshot.sequence)
    desk.take(read_containers(remote, effect, CATALOGUE, HOST))
    assert desk.snapshot.docker_problem is not None
    told(desk.snapshot.docker_problem)
    shown(desk)


@fuzz(
    "Docker: info, images, volumes",
    st.tuples(*map(changed_json, SURVEYED)),
    first=[(SURVEYED[0][0], images, volumes) for images in SURVEYED[1] for volumes in SURVEYED[2]],
)
def test_surveys(answers: tuple[bytes, bytes, bytes]) -> None:
    info, images, volumes = answers
    known = {"/info": http(info), "/images/json": http(images), "/volumes": http(volumes)}
    known["/containers/json?all=1"] = http(LISTS[1])
    known["/containers/open-webui/json"] = http(INSPECTS[0])
    remote = host(MemoryLink(lambda path: known.get(path, http(b"{}", 404))))
    with contextlib.suppress(RemoteError):
        survey = Surveyor(HOST, CATALOGUE, lambda name: None).take(
            remote, SwitchWish("scout"), frozenset(), frozenset()
        )
        assert isinstance(survey, Survey)
    with contextlib.suppress(RemoteError):
        found = household(remote, CATALOGUE.open_webui)
        assert found.image is None or isinstance(found.image, str)


@st.composite
def framed(draw: st.DrawFn) -> bytes:
    """Log lines in Docker's frames, some of which lie about their length or stream."""
    said = b""
    for _ in range(draw(st.integers(0, 4))):
        text = draw(changed(corpus("logs")))[:4_000]
        length = draw(st.sampled_from([len(text)] * 6 + [0, len(text) + 1, 2**32 - 1]))
        stream = draw(st.sampled_from([1] * 6 + [0, 2, 3, 255]))
        said += bytes((stream, 0, 0, 0)) + length.to_bytes(4, "big") + text
    return said


@fuzz(
    "Docker: logs",
    st.tuples(framed() | changed(corpus("logs")), changed_json(INSPECTS)),
    first=[(b"", inspect) for inspect in INSPECTS],
)
def test_logs(answers: tuple[bytes, bytes]) -> None:
    body, inspect = answers
    remote = host(MemoryLink(lambda path: http(inspect if path.endswith("/json") else body)))
    desk = connected(BOX)
    effect = ReadLogTail(desk.snapshot.epoch, "sglang", BOX.id, tty=False, since=None)
    read = read_log_tail(remote, effect)
    for line in getattr(read, "lines", ()):
        plain(line)
    desk.take(read)
    shown(desk)
    with contextlib.suppress(RemoteError), remote.docker.follow_logs(BOX.id) as stream:
        for line in stream:
            assert len(line) <= len(body)


PULLS = corpus("pull")


@fuzz("docker pull", changed(PULLS, [b"4f4fb700ef54: Downloading ", b"MB/1.0GB", b"\x1b[2K"]), first=PULLS)
def test_pulls(said: bytes) -> None:
    reader = PullReader()
    done, total = 0, 0
    for begin in range(0, len(said), 1_000):
        reader.feed(said[begin : begin + 1_000])
        assert reader.done >= done and reader.total >= total
        done, total = reader.done, reader.total
        here, of = reader.layers
        assert 0 <= here <= of
        plain(clean_line(reader.last))
