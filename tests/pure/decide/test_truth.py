from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from msgspec.structs import replace

from sparktray.decide.changing.steps import pending, stop, unload_ollama
from sparktray.decide.truth import (
    CRASH_LOOP,
    EVIDENCE_SECONDS,
    STRIKES,
    answers_without,
    evidence,
    icon_of,
    phase_of,
    started_by,
    unexplained,
)
from sparktray.domain.asking import Health, ServedModel
from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.operation import (
    Operation,
    OperationKind,
    Step,
    StepName,
    StepState,
    StopWish,
    SwitchWish,
)
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Failure
from sparktray.domain.snapshot import Icon, LinkPhase, Phase, ServerState, Snapshot, first_snapshot
from tests.pure.decide.building import (
    CATALOGUE,
    HOST,
    NOW,
    OLLAMA,
    SGLANG,
    VLLM,
    box,
    connected,
    ended,
    ollama_box,
    ours,
    problem,
    rendered,
    sglang_box,
    survey,
)
from tests.pure.decide.planning import made

SCOUT = (ServedModel("scout"),)
FAILURE = Failure("x", phrase("It died."), phrase("Mend it."))


def snapshot(link: LinkPhase = LinkPhase.CONNECTED, known: bool = True, **changes: Any) -> Snapshot:
    return replace(first_snapshot(HOST, CATALOGUE), link=link, containers_known=known, **changes)


LIVING = {ContainerState.RUNNING, ContainerState.PAUSED, ContainerState.RESTARTING}


def expected(
    container: Container | None,
    health: Health,
    served: bool,
    ever: bool,
    strikes: int,
    busy: bool,
    failed: bool,
) -> Phase:
    """The table of DESIGN 4 for an SGLang server, written down once more and differently."""
    state = container.state if container is not None else None
    if state is None or state in {ContainerState.CREATED, ContainerState.EXITED, ContainerState.DEAD}:
        return Phase.FAILED if failed else Phase.IDLE
    if state is ContainerState.PAUSED:
        return Phase.DEGRADED
    if state is ContainerState.RESTARTING:
        return Phase.STARTING
    if state is ContainerState.REMOVING:
        return Phase.STOPPING
    assert container is not None
    if container.oom_killed:
        return Phase.DEGRADED if health is Health.READY else Phase.FAILED
    if health is Health.READY and served:
        return Phase.BUSY if busy else Phase.READY
    if health is Health.READY:
        return Phase.LOADING
    if health is Health.LOCKED:
        return Phase.DEGRADED
    if health is Health.UNKNOWN:
        return Phase.UNKNOWN
    if not ever:
        return Phase.LOADING
    return Phase.BUSY if strikes < 3 else Phase.DEGRADED


CONTAINERS = [None, *(sglang_box(state=s, oom_killed=o) for s in ContainerState for o in (False, True))]


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_phase_of_every_combination(container: Container | None) -> None:
    for health, served, ever, strikes, busy, failed in product(
        Health, (None, (), SCOUT), (False, True), range(5), (None, 0, 2), (False, True)
    ):
        state = ServerState(
            SGLANG,
            container,
            health=health,
            served=served,
            ever_ready=ever,
            strikes=strikes,
            running=busy,
            failure=FAILURE if failed else None,
        )
        found = phase_of(snapshot(), state)
        assert found is expected(container, health, bool(served), ever, strikes, bool(busy), failed)
        waiting = replace(state, running=0, waiting=busy)
        assert phase_of(snapshot(), waiting) is found
        lives = container is not None and container.state is ContainerState.RUNNING
        assert found not in {Phase.READY} or (lives and health is Health.READY and bool(served))


@pytest.mark.parametrize("link", LinkPhase)
@pytest.mark.parametrize("known", [False, True])
def test_without_link_or_containers_nothing_is_claimed(link: LinkPhase, known: bool) -> None:
    state = ServerState(SGLANG, sglang_box(), health=Health.READY, served=SCOUT, ever_ready=True)
    claimed = link is LinkPhase.CONNECTED and known
    assert phase_of(snapshot(link, known), state) is (Phase.READY if claimed else Phase.UNKNOWN)


def test_a_container_that_keeps_coming_back_has_failed() -> None:
    again = sglang_box(state=ContainerState.RESTARTING, restarts=CRASH_LOOP - 1)
    assert phase_of(snapshot(), ServerState(SGLANG, again)) is Phase.STARTING
    looping = replace(again, restarts=CRASH_LOOP)
    assert phase_of(snapshot(), ServerState(SGLANG, looping)) is Phase.FAILED
    assert STRIKES == 3


def test_the_cause_of_a_loop_is_that_of_its_last_end() -> None:
    lines = ("torch.OutOfMemoryError: CUDA out of memory.",)
    looping = sglang_box(state=ContainerState.RESTARTING, restarts=CRASH_LOOP)
    told = evidence(ServerState(SGLANG, looping, log=lines), NOW)
    assert told is not None and told.code == "out-of-memory"
    assert evidence(ServerState(SGLANG, looping), NOW) is None, "nothing is guessed"
    again = replace(looping, restarts=CRASH_LOOP - 1)
    assert evidence(ServerState(SGLANG, again, log=lines), NOW) is None


@pytest.mark.parametrize(
    "container", [None, ended(ollama_box(), 2), ollama_box(state=ContainerState.CREATED)]
)
def test_ollama_outside_docker_is_judged_by_its_answers(container: Container | None) -> None:
    state = ServerState(
        OLLAMA, container, failure=FAILURE, health=Health.READY, served=SCOUT, installed=("a",)
    )
    assert answers_without(state)
    assert phase_of(snapshot(), state) is Phase.READY
    assert phase_of(snapshot(), replace(state, served=())) is Phase.IDLE
    assert phase_of(snapshot(), replace(state, health=Health.REFUSED)) is Phase.FAILED
    gone = replace(state, health=Health.REFUSED, failure=None)
    assert phase_of(snapshot(), gone) is Phase.IDLE
    assert evidence(replace(state, tail_read=True), NOW) is None


def test_an_ollama_service_that_misses_an_answer_is_busy_and_not_gone() -> None:
    missed = ServerState(OLLAMA, None, health=Health.SILENT, served=SCOUT, ever_ready=True, strikes=1)
    assert phase_of(snapshot(), missed) is Phase.BUSY
    assert phase_of(snapshot(), replace(missed, strikes=3)) is Phase.DEGRADED
    assert phase_of(snapshot(), replace(missed, health=Health.REFUSED)) is Phase.IDLE


def test_no_other_engine_answers_without_its_container() -> None:
    for server in (SGLANG, VLLM):
        assert not answers_without(ServerState(server, None, health=Health.READY, served=SCOUT))
    assert not answers_without(ServerState(OLLAMA, ollama_box(), health=Health.READY))


def test_ollama_in_its_container_without_a_model_is_idle() -> None:
    state = ServerState(OLLAMA, ollama_box(), health=Health.READY, served=())
    assert phase_of(snapshot(), state) is Phase.IDLE
    assert phase_of(snapshot(), replace(state, served=SCOUT)) is Phase.READY
    assert phase_of(snapshot(), replace(state, health=Health.REFUSED)) is Phase.LOADING


OLD = sglang_box(model="coder", served="coder-30b", restart_policy="always")
PLAN = made(connected(OLD), SwitchWish("scout"), survey())


def at_step(name: StepName, *, back: bool = False, touched: bool = True) -> Operation:
    """An operation that is at the first step of that name."""
    runs = list(pending(PLAN.steps))
    index = next(i for i, r in enumerate(runs) if r.step.name is name)
    for i in range(index + 1):
        state = StepState.DONE if i < index else StepState.RUNNING
        runs[i] = replace(runs[i], state=state, started_at=NOW if touched or i == index else None, back=back)
    return Operation(
        1, "op", SwitchWish("scout"), OperationKind.SWITCH, NOW, "sglang", "scout", tuple(runs), index
    )


BY_STEP = {
    StepName.LOCK: None,
    StepName.CHECK: None,
    StepName.RECORD: None,
    StepName.RESTART_POLICY: Phase.STOPPING,
    StepName.STOP: Phase.STOPPING,
    StepName.RENAME: Phase.STOPPING,
    StepName.RELEASE: Phase.STOPPING,
    StepName.START: Phase.STARTING,
    StepName.LOAD: Phase.LOADING,
    StepName.PROVE: Phase.LOADING,
    StepName.COMMIT: None,
    StepName.UNLOCK: None,
}


@pytest.mark.parametrize("name", BY_STEP)
@pytest.mark.parametrize("health", Health)
def test_the_phase_of_the_server_that_is_being_switched(name: StepName, health: Health) -> None:
    state = ServerState(SGLANG, OLD, health=health, served=SCOUT, ever_ready=True, strikes=STRIKES)
    plain = phase_of(snapshot(), state)
    found = phase_of(snapshot(operation=at_step(name)), state)
    assert found is (BY_STEP[name] or plain)
    other = replace(state, server=VLLM)
    assert phase_of(snapshot(operation=at_step(name)), other) is phase_of(snapshot(), other)
    over = replace(at_step(name), end=None, runs=())
    assert phase_of(snapshot(operation=over), state) is plain


def test_going_back_is_loading_until_it_is_over() -> None:
    state = ServerState(SGLANG, OLD, health=Health.READY, served=SCOUT, ever_ready=True)
    for name in (StepName.STOP, StepName.RENAME, StepName.START, StepName.LOAD):
        assert phase_of(snapshot(operation=at_step(name, back=True)), state) is Phase.LOADING


def test_a_stop_shows_on_the_server_it_stops() -> None:
    state = ServerState(SGLANG, OLD, health=Health.READY, served=SCOUT)
    main = ServerState(VLLM, box("vllm"), health=Health.READY, served=SCOUT)
    ollama = ServerState(OLLAMA, None, health=Health.READY, served=SCOUT)
    steps: tuple[Step, ...] = (stop(OLD, None), unload_ollama(OLLAMA, "a", undoable=False), *PLAN.steps[:1])
    for index, stopping in enumerate((state, ollama, None)):
        operation = Operation(1, "op", StopWish(), OperationKind.STOP, NOW, runs=pending(steps), index=index)
        for one in (state, main, ollama):
            found = phase_of(snapshot(operation=operation), one)
            assert found is (Phase.STOPPING if one is stopping else Phase.READY)


def told(container: Container, *log: str, **changes: Any) -> Failure | None:
    return evidence(ServerState(SGLANG, container, log=log, **changes), NOW)


@pytest.mark.parametrize(
    ("container", "log", "code"),
    [
        (ended(sglang_box(), 0), (), None),
        (ended(sglang_box(), 137), (), None),
        (ended(sglang_box(), 143), (), None),
        (ended(sglang_box(), None), (), None),
        (ended(sglang_box(), 1), ("bye",), "exited"),
        (ended(sglang_box(), 139), (), "exited"),
        (ended(sglang_box(), 0), ("torch.OutOfMemoryError: CUDA out of memory",), "out-of-memory"),
        (ended(sglang_box(), 0), ("Received sigquit from a child process",), "engine-died"),
        (ended(sglang_box(), 137, oom_killed=True), (), "out-of-memory"),
        (ended(sglang_box(), 1), ("ValueError: --tp 7 does not divide 32 heads",), "engine-died"),
        (ended(sglang_box(), 0), ("ValueError: a client asked for too much",), None),
        (ended(sglang_box(), 128, error="no such device"), (), "start-failed"),
        (
            ended(sglang_box(), 128, error="Bind for 0.0.0.0:30000 failed: port is already allocated"),
            (),
            "port-taken",
        ),
        (sglang_box(state=ContainerState.CREATED, error="port is taken"), (), "start-failed"),
        (sglang_box(), ("CUDA out of memory",), None),
        (sglang_box(oom_killed=True), (), "out-of-memory"),
    ],
)
def test_what_is_evidence_of_a_failure(container: Container, log: tuple[str, ...], code: str | None) -> None:
    found = told(container, *log)
    assert (found.code if found is not None else None) == code
    if found is not None:
        assert rendered(found.cause)
        assert rendered(found.remedy)
    over = container.finished_at
    if over is not None:
        old = replace(container, finished_at=NOW - EVIDENCE_SECONDS - 1)
        assert told(old, *log) is None, "older than a day"


def test_no_container_is_no_evidence_and_a_starved_one_that_serves_neither() -> None:
    assert evidence(ServerState(SGLANG), NOW) is None
    assert told(sglang_box(oom_killed=True), health=Health.READY) is None


def test_only_the_last_200_lines_count() -> None:
    noise = tuple(f"line {i}" for i in range(200))
    assert told(ended(sglang_box(), 0), "CUDA out of memory", *noise) is None
    last = told(ended(sglang_box(), 2), *noise)
    assert last is not None
    assert last.log_tail == noise[-20:]
    state = ServerState(SGLANG, ended(sglang_box(), 0))
    assert state.container is not None
    assert rendered(unexplained(state, state.container).cause).endswith("exit code 0.")


def test_who_started_a_container() -> None:
    assert started_by(ours(box(), "op-1"), "op-1")
    assert not started_by(ours(box(), "op-1"), "op-2")
    assert not started_by(None, "op-1")


RANK = [Icon.DEGRADED, Icon.LOADING, Icon.READY, Icon.CONNECTING, Icon.IDLE]
ICON = {
    Phase.DEGRADED: Icon.DEGRADED,
    Phase.STARTING: Icon.LOADING,
    Phase.LOADING: Icon.LOADING,
    Phase.STOPPING: Icon.LOADING,
    Phase.READY: Icon.READY,
    Phase.BUSY: Icon.READY,
    Phase.UNKNOWN: Icon.CONNECTING,
    Phase.IDLE: Icon.IDLE,
}


def phases(*wanted: Phase, **changes: Any) -> Snapshot:
    base = snapshot(**changes)
    padded = [*wanted, *[Phase.IDLE] * (len(base.servers) - len(wanted))]
    states = tuple(replace(s, phase=p) for s, p in zip(base.servers, padded, strict=True))
    return replace(base, servers=states)


@pytest.mark.parametrize(("one", "other"), list(product(Phase, Phase)))
def test_the_icon_of_every_pair_of_servers(one: Phase, other: Phase) -> None:
    pair = {one, other}
    if Phase.FAILED in pair:
        wanted = Icon.DEGRADED if pair & {Phase.READY, Phase.BUSY} else Icon.FAILED
    else:
        wanted = min((ICON[p] for p in pair), key=RANK.index)
    assert icon_of(phases(one, other)) is wanted
    assert icon_of(phases(one, other, link=LinkPhase.BLOCKED)) is Icon.ATTENTION
    assert icon_of(phases(one, other, link=LinkPhase.OFFLINE)) is Icon.OFFLINE
    assert icon_of(phases(one, other, link=LinkPhase.CONNECTING)) is Icon.CONNECTING
    assert icon_of(phases(one, other, operation=at_step(StepName.LOAD))) is Icon.LOADING
    assert icon_of(phases(one, other, known=False)) is Icon.CONNECTING
    assert icon_of(phases(one, other, docker_problem=problem())) is Icon.DEGRADED
    assert icon_of(phases(one, other, docker_problem=problem(), known=False)) is Icon.ATTENTION
