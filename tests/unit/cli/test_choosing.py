"""Which server is meant when none is named."""

from pathlib import Path

import pytest

from sparktray.cli.choosing import chosen_server
from sparktray.cli.commands.clients.serving import exact_id
from sparktray.cli.problems import Told
from sparktray.cli.request import Session
from sparktray.cli.terminal.streams import Console
from sparktray.domain.operation import Operation, OperationEnd, OperationKind, SwitchWish
from sparktray.domain.snapshot import ServerState
from sparktray.wiring import controller_for, open_program
from tests.unit.cli.pictures import HOST, failed, picture, ready


@pytest.fixture
def session(config: Path) -> Session:
    """A host that is never connected to: choosing reads only the journal."""
    program = open_program(config)
    controller = controller_for(program, HOST, keep_trying=False)
    return Session(HOST, program.journal, controller, Console())


def is_ready(state: ServerState) -> bool:
    return state.ready


def switched(session: Session, name: str, server: str, end: OperationEnd | None, host: str = "spark") -> None:
    operation = Operation(1, name, SwitchWish("m"), OperationKind.SWITCH, 1.0, server, "m", end=end)
    session.journal.write(operation, host)


def test_the_only_ready_one(session: Session) -> None:
    assert chosen_server(session, picture(ready(), failed()), None, is_ready).name == "sglang-main"


def test_none_is_code_1(session: Session) -> None:
    with pytest.raises(Told) as raised:
        chosen_server(session, picture(failed()), None, is_ready)
    assert (raised.value.problem.code, raised.value.exit_code) == ("nothing-running", 1)


def test_a_named_one_that_is_not_ready_is_code_1(session: Session) -> None:
    with pytest.raises(Told) as raised:
        chosen_server(session, picture(ready(), failed()), "sglang", is_ready)
    assert (raised.value.problem.code, raised.value.exit_code) == ("nothing-running", 1)
    assert chosen_server(session, picture(ready()), "sglang-main", is_ready).name == "sglang-main"


def test_of_several_the_last_switched_to_that_still_fits(session: Session) -> None:
    both = picture(ready("sglang-main"), ready("vllm"))
    with pytest.raises(Told) as raised:
        chosen_server(session, both, None, is_ready)
    assert (raised.value.problem.code, raised.value.exit_code) == ("usage-several-servers", 2)
    assert raised.value.problem.cause.values["names"] == "sglang-main, vllm"
    switched(session, "1", "vllm", OperationEnd.DONE)
    switched(session, "2", "sglang-main", OperationEnd.ROLLED_BACK)
    switched(session, "3", "sglang-main", None)
    switched(session, "4", "sglang-main", OperationEnd.DONE, host="other")
    assert chosen_server(session, both, None, is_ready).name == "vllm"
    assert chosen_server(session, picture(ready("sglang-main")), None, is_ready).name == "sglang-main"


def test_an_id_that_cannot_be_seen_is_not_given_out() -> None:
    assert exact_id("hf.co/Ünï-code:Q4") == "hf.co/Ünï-code:Q4"
    for hidden in ("a\nb", "a\x1b[2J", "a\u202eb", "a\u200bb", "a\ud800"):
        with pytest.raises(Told) as raised:
            exact_id(hidden)
        assert (raised.value.problem.code, raised.value.exit_code) == ("id-hidden-characters", 1)
