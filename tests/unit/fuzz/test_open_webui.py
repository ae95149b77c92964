"""What Open WebUI answers, and what the program inside its container prints."""

from __future__ import annotations

import contextlib
import math

from hypothesis import strategies as st

from sparktray.control.reading import converse
from sparktray.decide.webui import api
from sparktray.decide.webui.answers import contents_of, result_of
from sparktray.domain.asking import Answer
from sparktray.domain.docker.answers import listed_volumes
from sparktray.domain.open_webui import ARCHIVE_PREFIX
from sparktray.domain.problem import Problem
from sparktray.domain.secret import Secret
from sparktray.remote.errors import RemoteError
from sparktray.webui.household import archives_of
from sparktray.webui.inside import InsideFailed, run_inside
from tests.unit.fuzz.fuzzing import corpus, fuzz
from tests.unit.fuzz.looking import plain, said, told
from tests.unit.fuzz.memory_link import MemoryLink, host, http
from tests.unit.fuzz.mutating import changed, changed_json

KEY = Secret("sk-x")
ANSWERS = corpus("webui-api")


@fuzz(
    "Open WebUI's API",
    st.tuples(st.sampled_from([200] * 6 + [400, 401, 403, 404, 429, 500]), changed_json(ANSWERS)),
    first=[(200, body) for body in ANSWERS],
)
def test_answers(answer: tuple[int, bytes]) -> None:
    status, body = answer
    asked = host(MemoryLink(engines=lambda path: http(body, status))).http
    about = converse(asked, 3000, api.about())
    plain(about.version if about is not None else "")
    for signed in (converse(asked, 3000, api.sign_in("a@b", KEY)), converse(asked, 3000, api.who(KEY))):
        told(signed) if isinstance(signed, Problem) else plain(signed.email)
    chats = converse(asked, 3000, api.my_chats(KEY))
    if isinstance(chats, Problem):
        told(chats)
    else:
        assert all(identity.isascii() and math.isfinite(at) for identity, at in chats)
    for done in (converse(asked, 3000, api.delete_all(KEY)), converse(asked, 3000, api.delete_one(KEY, "a"))):
        told(done)
    converse(asked, 3000, api.reaches(KEY, "http://x/v1"))
    found = converse(asked, 3000, api.models(KEY))
    told(found if isinstance(found, Problem) else None)
    known = converse(asked, 3000, api.connections(KEY))
    if isinstance(known, Problem):
        told(known)
    else:
        told(converse(asked, 3000, api.connect(KEY, api.with_url(known, "http://x/v1", None))))


TOLD = corpus("webui-inside")


@fuzz(
    "program inside Open WebUI",
    changed_json(TOLD).map(lambda line: line.replace(b"\n", b" ") + b"\n"),
    first=TOLD,
)
def test_results(line: bytes) -> None:
    tree = Answer(200, line).json()
    if isinstance(tree, dict):
        found = contents_of(tree)
        for account in found.accounts:
            for text in (account.name, account.email, account.role):
                plain(text)
        for figure in (found.chats, found.volume_bytes, found.free_bytes, *found.tables.values()):
            assert figure >= 0
        for command in ("wipe", "restore", "archive"):
            said(result_of(command, tree))
    for code in (0, 1, None):
        ended(line, b"", code)


STREAMS = corpus("webui-inside-lines")


@fuzz("lines of the program inside", st.tuples(changed(STREAMS), changed(corpus("pull", "refused.txt"))))
def test_streams(output: tuple[bytes, bytes]) -> None:
    ended(*output, 1)


def ended(stdout: bytes, stderr: bytes, code: int | None) -> None:
    """The program said that and ended so."""
    missing = MemoryLink(lambda path: http(b"{}", 404), stdout=stdout, stderr=stderr, code=code)
    try:
        run_inside(host(missing), ["docker", "run"], said=lambda line: None)
    except InsideFailed as failed:
        told(failed.problem)


VOLUMES = corpus("docker", "volumes*.json")


@fuzz("archives", changed_json(VOLUMES), first=VOLUMES)
def test_archives(body: bytes) -> None:
    remote = host(MemoryLink(lambda path: http(body)))
    with contextlib.suppress(RemoteError):
        for archive in archives_of(listed_volumes(remote.docker.get("/volumes"))):
            assert math.isfinite(archive.made_at) and archive.name.startswith(ARCHIVE_PREFIX)
