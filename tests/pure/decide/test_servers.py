from __future__ import annotations

import pytest
from msgspec.structs import replace
from msgspec.structs import replace as changed

from sparktray.decide.effects import FollowLog, Probe, ReadLogTail, StopFollowing
from sparktray.decide.servers import HEALTH_SECONDS, INSTALLED_SECONDS, KEPT_LINES, asked, wanted_depth
from sparktray.decide.truth import CRASH_LOOP, EVIDENCE_SECONDS, STRIKES
from sparktray.domain.asking import Health, Reading
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.docker.container import ContainerState, Mount
from sparktray.domain.events import ContainerRead, LinkDown, LogSaid, LogTailRead, Probed, Ticked
from sparktray.domain.snapshot import Phase
from sparktray.engines.protocol import Depth
from tests.pure.decide.building import (
    MODELS,
    NOW,
    Desk,
    connected,
    ended,
    ollama_box,
    only,
    problem,
    ready,
    rendered,
    serving,
    sglang_box,
    vllm_box,
)

OLD = sglang_box()
REFUSED, SILENT = Reading(Health.REFUSED), Reading(Health.SILENT)
PTXAS = "ptxas fatal   : Value 'sm_121a' is not defined for option 'gpu-name'"


def say(desk: Desk, *lines: str, server: str = "sglang") -> None:
    container = desk.state(server).container
    assert container is not None
    desk.take(LogSaid(desk.snapshot.epoch, server, container.id, lines))


def tail(desk: Desk, *lines: str, server: str = "sglang") -> None:
    container = desk.state(server).container
    assert container is not None
    desk.take(LogTailRead(desk.snapshot.epoch, server, container.id, lines))


def test_sglang_is_not_ready_before_its_health_answers_although_it_lists_its_model() -> None:
    desk = connected(OLD)
    assert desk.state().phase is Phase.UNKNOWN
    for reading in (REFUSED, SILENT, replace(ready("scout"), health=Health.WARMING)):
        desk.probe("sglang", reading)
        assert desk.state().phase is Phase.LOADING
        assert desk.state().served is None
    desk.probe("sglang", ready("scout"))
    assert desk.state().phase is Phase.READY
    desk.probe("sglang", replace(ready("scout", running=1), health=Health.UNKNOWN))
    assert desk.state().phase is Phase.BUSY, "a WATCH does not ask for health"


def test_missed_answers_of_a_ready_server_are_busy_then_degraded_then_good_again() -> None:
    desk = serving(OLD, sglang=ready("scout"))
    for strike in range(1, STRIKES + 2):
        desk.probe("sglang", SILENT)
        assert desk.state().phase is (Phase.BUSY if strike < STRIKES else Phase.DEGRADED)
    desk.probe("sglang", ready("scout"))
    assert (desk.state().phase, desk.state().strikes) == (Phase.READY, 0)


def test_an_answer_meant_for_another_container_or_server_is_ignored() -> None:
    desk = connected(OLD)
    before = desk.snapshot
    for late in (
        Probed(1, "sglang", "other", ready("scout")),
        Probed(1, "sglang", None, ready("scout")),
        Probed(0, "sglang", OLD.id, ready("scout")),
        Probed(1, "unknown", None, ready("scout")),
        LogSaid(0, "sglang", OLD.id, ("x",)),
        LogSaid(1, "sglang", "other", ("x",)),
        LogSaid(1, "vllm", "other", ("x",)),
        LogSaid(1, "unknown", OLD.id, ("x",)),
        LogTailRead(1, "sglang", OLD.id, ("x",)),
        LogTailRead(1, "vllm", OLD.id, ("x",)),
        LogTailRead(0, "sglang", OLD.id, ("x",)),
    ):
        desk.take(late)
        assert desk.snapshot == before
    assert asked(before, "unknown") == before


def test_a_new_run_of_a_container_begins_with_nothing_known() -> None:
    desk = serving(OLD, sglang=ready("scout"))
    say(desk, "The server is fired up and ready to roll!")
    desk.read(replace(OLD, started_at=NOW))
    state = desk.state()
    assert (state.phase, state.log, state.ever_ready, state.served) == (Phase.UNKNOWN, (), False, None)
    desk = serving(OLD, sglang=ready("scout"))
    desk.happen("die", OLD, exit_code=0)
    assert desk.state().served is None


def test_one_that_keeps_ending_shows_as_failed_until_a_run_is_ready() -> None:
    """Docker's next start of it is no news; what it ended of is."""
    desk = connected(OLD)
    say(desk, "torch.OutOfMemoryError: CUDA out of memory.")
    desk.read(replace(OLD, state=ContainerState.RESTARTING, restarts=CRASH_LOOP))
    assert desk.state().phase is Phase.FAILED
    failure = desk.state().failure
    assert failure is not None and failure.code == "out-of-memory"
    for number in (1, 2):
        again = replace(OLD, started_at=NOW + number, restarts=CRASH_LOOP + number)
        desk.read(again)
        desk.probe("sglang", REFUSED)
        assert (desk.state().phase, desk.state().failure) == (Phase.FAILED, failure)
        desk.happen("die", again, exit_code=1)
        assert (desk.state().phase, desk.state().failure) == (Phase.FAILED, failure)
        desk.read(replace(again, state=ContainerState.RESTARTING))
        assert (desk.state().phase, desk.state().failure) == (Phase.FAILED, failure)
    desk.read(replace(OLD, started_at=NOW + 9, restarts=CRASH_LOOP + 9))
    desk.probe("sglang", ready("scout"))
    assert (desk.state().phase, desk.state().failure) == (Phase.READY, None)


def test_tokens_a_second_are_told_or_counted() -> None:
    desk = serving(vllm_box(), vllm=ready("qwen", generated_tokens=100.0))
    assert desk.state("vllm").tokens_per_second is None
    desk.now += 5
    desk.probe("vllm", ready("qwen", generated_tokens=600.0))
    assert desk.state("vllm").tokens_per_second == 100.0
    desk.probe("vllm", ready("qwen", generated_tokens=600.0))
    assert desk.state("vllm").tokens_per_second is None, "no time passed"
    desk.now += 5
    desk.probe("vllm", ready("qwen", generated_tokens=3.0))
    assert desk.state("vllm").tokens_per_second is None, "the counter began anew"
    desk.probe("vllm", ready("qwen", tokens_per_second=7.0))
    assert desk.state("vllm").tokens_per_second == 7.0


def test_the_log_of_a_loading_server_is_followed_and_tells_its_progress() -> None:
    desk = connected(OLD)
    assert only(FollowLog, desk.effects) == [FollowLog(1, "sglang", OLD.id, False, OLD.started_at)]
    say(desk, "Load weight begin. avail mem=100")
    say(desk, "nothing of interest")
    progress = desk.state().progress
    assert progress is not None
    assert progress.fraction == 0.02
    say(desk, *(f"line {n}" for n in range(KEPT_LINES + 5)))
    assert len(desk.state().log) == KEPT_LINES
    say(desk, "Decode batch. #running-req: 1, gen throughput (token/s): 31.5, #queue-req: 0")
    assert desk.state().tokens_per_second == 31.5
    assert desk.probe("sglang", ready("scout")) == [StopFollowing("sglang")]
    assert only(FollowLog, desk.probe("sglang", SILENT)) == []
    assert only(FollowLog, connected(ollama_box()).effects) == []
    assert only(FollowLog, connected(replace(OLD, inspected=False)).effects) == []


def test_the_last_lines_of_one_that_ended_are_read_once_and_judged() -> None:
    desk = connected(OLD)
    over = ended(OLD, 1, ago=0)
    assert only(ReadLogTail, desk.happen("die", OLD, exit_code=1)) == [], "its inspect is on the way"
    wanted = only(ReadLogTail, desk.take(ContainerRead(1, 1, OLD.id, over)))
    assert wanted == [ReadLogTail(1, "sglang", OLD.id, False, OLD.started_at)]
    assert desk.state().phase is Phase.IDLE, "no verdict before the log is read"
    assert only(ReadLogTail, desk.take(Ticked())) == []
    tail(desk, "CUDA out of memory")
    assert desk.state().phase is Phase.FAILED
    assert desk.state().failure is not None
    assert desk.state().log == ("CUDA out of memory",)
    desk.take(Ticked(), after=EVIDENCE_SECONDS + 1)
    assert (desk.state().phase, desk.state().failure) == (Phase.IDLE, None)


def test_an_empty_tail_leaves_what_was_followed() -> None:
    desk = connected(OLD)
    say(desk, "CUDA out of memory")
    desk.read(ended(OLD, 0, ago=0))
    tail(desk)
    assert desk.state().failure is not None


@pytest.mark.parametrize(
    "container", [ended(OLD, 1, ago=EVIDENCE_SECONDS + 1), replace(OLD, state=ContainerState.REMOVING)]
)
def test_what_ended_long_ago_or_is_being_removed_is_not_read(container: object) -> None:
    assert only(ReadLogTail, connected(container).effects) == []  # type: ignore[arg-type]


def test_one_with_rm_leaves_the_copy_of_its_log_and_the_failure_for_a_day() -> None:
    gone = replace(OLD, auto_remove=True)
    desk = connected(gone)
    say(desk, "CUDA out of memory")
    desk.happen("die", gone, exit_code=1)
    desk.happen("destroy", gone)
    assert desk.state().container is None
    assert desk.state().phase is Phase.FAILED
    desk.take(Ticked(), after=EVIDENCE_SECONDS + 1)
    assert desk.state().phase is Phase.IDLE


def test_a_removed_container_takes_its_failure_along() -> None:
    desk = connected(ended(OLD, 1))
    tail(desk, "CUDA out of memory")
    assert desk.state().phase is Phase.FAILED
    desk.happen("destroy", OLD)
    assert (desk.state().phase, desk.state().log) == (Phase.IDLE, ())


def test_a_lost_link_forgets_answers_and_asks_for_an_unread_tail_again() -> None:
    desk = connected(ended(OLD, 1), vllm_box())
    desk.probe("vllm", ready("qwen"))
    desk.take(LinkDown(1, problem()))
    state = desk.state("vllm")
    assert (state.served, state.asking, state.following, state.phase) == (None, False, False, Phase.UNKNOWN)
    assert desk.state().tail_of is None
    desk = connected(ended(OLD, 1))
    tail(desk, "bye")
    desk.take(LinkDown(1, problem()))
    assert desk.state().tail_of is not None


@pytest.mark.parametrize(("model", "way_out"), [("scout", "sglang"), ("qwen", "sglang-main"), ("mine", None)])
def test_a_vllm_that_does_not_know_the_gb10_leads_to_sglang(model: str, way_out: str | None) -> None:
    old = vllm_box(model=model, mounts=(Mount(f"{MODELS}/{model}", "/model"),))
    desk = connected(ended(old, 1))
    tail(desk, PTXAS, server="vllm")
    failure = desk.state("vllm").failure
    assert failure is not None
    assert failure.code == "ptxas-sm121"
    command = f"sparktray switch {model} --on {way_out}"
    assert (command in rendered(failure.remedy)) is (way_out is not None)


def test_a_model_without_sglang_keeps_the_engine_s_own_remedy() -> None:
    desk = connected(ended(vllm_box(), 1))
    alone = replace(desk.snapshot, catalogue=_without_sglang(desk))
    desk.snapshot = alone
    tail(desk, PTXAS, server="vllm")
    failure = desk.state("vllm").failure
    assert failure is not None
    assert "--on" not in rendered(failure.remedy)


def _without_sglang(desk: Desk) -> Catalogue:
    catalogue = desk.snapshot.catalogue
    return changed(catalogue, models=tuple(changed(m, servers=("vllm",)) for m in catalogue.models))


def test_how_deep_a_probe_asks() -> None:
    desk = connected(OLD)
    assert [p.depth for p in only(Probe, desk.effects) if p.server.name == "sglang"] == [Depth.HEALTH]
    desk.probe("sglang", ready("scout"))
    state = desk.state()
    assert wanted_depth(state, desk.now) is Depth.WATCH
    assert wanted_depth(state, desk.now + HEALTH_SECONDS - 1) is Depth.WATCH
    assert wanted_depth(state, desk.now + HEALTH_SECONDS) is Depth.HEALTH, "a token at most every 30 s"
    assert wanted_depth(replace(state, health=Health.SILENT), desk.now) is Depth.HEALTH
    assert wanted_depth(replace(state, health_at=None), desk.now) is Depth.HEALTH
    desk = serving(ollama_box(), ollama=ready("a"))
    assert wanted_depth(desk.state("ollama"), desk.now) is Depth.HEALTH, "it has not told what it has"
    desk.probe("ollama", ready("a", installed=("a",)))
    assert wanted_depth(desk.state("ollama"), desk.now) is Depth.WATCH
    desk.probe("ollama", ready("b"))
    assert desk.state("ollama").installed == ("a",)
    assert wanted_depth(desk.state("ollama"), desk.now + INSTALLED_SECONDS) is Depth.HEALTH
