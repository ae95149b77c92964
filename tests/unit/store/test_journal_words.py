"""The journal: what it keeps in words, and lines that other versions wrote."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from sparktray.decide.changing import steps
from sparktray.domain.operation import (
    OperationEnd,
    StepRun,
    StepState,
)
from sparktray.domain.phrase import phrase, phrase_n
from sparktray.domain.problem import Failure
from sparktray.store.journal import Journal
from sparktray.wording import Wording
from tests.unit.store.journalled import OLD, switch


def test_why_it_failed_is_kept_in_words_and_the_log_is_not(journal: Journal, tmp_path: Path) -> None:
    inner = phrase("Docker said: {text}", text="no such image")
    many = phrase_n("{count} step: {steps}", "{count} steps: {steps}", 2, steps=[inner, "b"], why=inner)
    odd = phrase("{a}", a={"msgid": 5}, b={"msgid": "x", "values": {}, "plural": None, "count": "many"})
    failure = Failure("exited", many, odd, ("a line of the log",))
    stopped = StepRun(steps.stop(OLD, None), StepState.FAILED, started_at=1.0, ended_at=2.0)
    journal.write(replace(switch("op1", OperationEnd.FAILED, stopped), failure=failure), "spark")
    (entry,) = journal.last(1)
    assert entry.cause == many
    assert Wording("en")(many) == "2 steps: Docker said: no such image, b"
    assert entry.remedy is not None and "msgid" in Wording("en")(entry.remedy)
    assert entry.steps[0].title == steps.stop(OLD, None).title
    assert b"a line of the log" not in (tmp_path / "journal" / "operations.jsonl").read_bytes()


OTHER_VERSIONS = {
    "the first": b"""{"id":"op1","kind":"switch","host":"spark","server":"sglang","model":"m",
 "started_at":99.0,"time":101.0,"end":"failed","failure":"exited","steps":[{"name":"stop","command":["docker","stop","a"],
 "state":"done","seconds":1.5,"back":false}]}""",
    "a later one": b"""{"id":"op1","kind":"switch","host":"spark","server":"sglang","model":"m",
 "started_at":99.0,"time":101.0,"end":"failed","failure":"exited","mood":"good","steps":[{"name":"stop","state":"done",
 "seconds":1.5,"command":["docker","stop","a"],"weight":{"kg":3}}]}""",
}


@pytest.mark.parametrize("line", OTHER_VERSIONS.values(), ids=OTHER_VERSIONS.keys())
def test_lines_of_other_versions_are_read(journal: Journal, tmp_path: Path, line: bytes) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "operations.jsonl").write_bytes(line.replace(b"\n", b"") + b"\n")
    (entry,) = journal.last(5)
    assert (entry.end, entry.failure, entry.cause, entry.remedy) == ("failed", "exited", None, None)
    (step,) = entry.steps
    assert (step.name, step.state, step.seconds, step.title) == ("stop", "done", 1.5, None)


@pytest.mark.parametrize(
    "change",
    [b'"started_at":1e300', b'"started_at":-5.0', b'"started_at":"yesterday"', b'"steps":7'],
)
def test_what_makes_no_sense_is_passed_over(journal: Journal, tmp_path: Path, change: bytes) -> None:
    journal.write(switch("op1"), "spark")
    file = tmp_path / "journal" / "operations.jsonl"
    name = change.partition(b":")[0]
    odd = b'{"id":"op2","kind":"stop","host":"spark","time":2.0,"started_at":1.0}\n'
    told = odd.replace(b'"started_at":1.0', change) if name in odd else odd[:-2] + b"," + change + b"}\n"
    file.write_bytes(file.read_bytes() + odd.replace(b"op2", b"op3") + told)
    assert [entry.id for entry in journal.all()] == ["op1", "op3"]
