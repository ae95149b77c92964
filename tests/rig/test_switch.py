"""The main job on real parts: switch, replace, go back, prove."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sparktray.decide.identity import running_on
from sparktray.domain.operation import Operation, OperationEnd, StepName, StepState, SwitchWish
from sparktray.domain.snapshot import Phase
from tests.rig.driving import Driver, driven, profile, quicken
from tests.rig.rig import Rig

SCOUT, QWEN, CODER, BGE = (
    "llama4-scout-17b-nvfp4",
    "qwen3-32b-nvfp4",
    "qwen3-coder-30b-nvfp4",
    "bge-m3",
)


def states(operation: Operation) -> list[tuple[str, str]]:
    """What was done and how it came out, in order."""
    return [(("undo " if r.back else "") + r.step.name.value, r.state.value) for r in operation.runs]


def ran(operation: Operation, *names: str) -> bool:
    """True when these steps, and only these, were done one after the other."""
    return states(operation) == [(name, "done") for name in names]


def test_from_nothing_beside_and_in_place(rig: Rig, tmp_path: Path) -> None:
    """The three switches of the page: a first model, a second one beside it, one in its place."""
    quicken(rig)
    with driven(tmp_path, profile(rig)) as program:
        first = program.switch(QWEN)
        assert first.end is OperationEnd.DONE
        assert ran(first, "lock", "check", "start", "load", "prove", "unlock")
        assert rig.model_ids(30001) == [QWEN]

        beside = program.switch(SCOUT)
        assert beside.end is OperationEnd.DONE
        assert program.state("sglang-main").ready and program.state("sglang").ready
        before = rig.inspect("sglang")
        assert before is not None

        instead = program.switch(CODER)
        assert instead.end is OperationEnd.DONE
        assert [name for name, _ in states(instead)] == [
            *(
                "lock",
                "check",
                "idle",
                "record",
                "stop",
                "rename",
                "release",
                "start",
                "load",
                "prove",
                "commit",
                "unlock",
            )
        ]
        assert rig.model_ids(30000) == [CODER]
        after = rig.inspect("sglang")
        assert after is not None and after["Id"] != before["Id"]
        assert rig.inspect("sglang.previous") is None and rig.inspect("sparktray-lock") is None
        assert rig.model_ids(30001) == [QWEN], "the other server was not touched"


def test_a_ready_model_is_done_at_once(rig: Rig, tmp_path: Path) -> None:
    """Switching to what is ready changes nothing."""
    quicken(rig)
    with driven(tmp_path, profile(rig)) as program:
        program.switch(SCOUT)
        container = rig.inspect("sglang")
        again = program.switch(SCOUT)
        assert again.end is OperationEnd.DONE and again.runs == ()
        now = rig.inspect("sglang")
        assert container is not None and now is not None and container["Id"] == now["Id"]


def test_on_vllm(rig: Rig, tmp_path: Path) -> None:
    """The second server of a model, with the engine's own flags for context and KV cache."""
    quicken(rig)
    with driven(tmp_path, profile(rig)) as program:
        assert program.switch(QWEN, "vllm").end is OperationEnd.DONE
        assert rig.model_ids(8000) == [QWEN]
        told = rig.inspect("vllm")
        assert told is not None
        argv = [*(told["Config"]["Entrypoint"] or []), *told["Config"]["Cmd"]]
        assert argv[:3] == ["vllm", "serve", "/model"]
        # 64 layers x 8 KV heads x (128 + 128) x 2 bytes x 32,768 tokens
        assert argv[argv.index("--kv-cache-memory-bytes") + 1] == str(64 * 8 * 256 * 2 * 32768)
        assert argv[argv.index("--max-model-len") + 1] == "32768"


def test_ollama_loads_shows_and_unloads(rig: Rig, tmp_path: Path) -> None:
    """Ollama's container stays; its models come and go by its API."""
    rig.ollama_installed(["qwen3:32b", {"name": "bge-m3", "embedding": True}], load_seconds=0.2)
    with driven(tmp_path, profile(rig)) as program:
        assert program.switch(QWEN, "ollama").end is OperationEnd.DONE
        container = rig.inspect("ollama")
        assert container is not None
        state = program.until_ready("ollama")
        assert running_on(program.snapshot, state).model_id == "qwen3:32b"

        other = program.switch(BGE, "ollama")
        assert other.end is OperationEnd.DONE
        assert StepName.UNLOAD in [r.step.name for r in other.runs]
        loaded = json.loads(rig.wait_http(11434, "/api/ps"))["models"]
        assert [m["name"].removesuffix(":latest") for m in loaded] == ["bge-m3"]

        assert program.stop("ollama").end is OperationEnd.DONE
        assert json.loads(rig.wait_http(11434, "/api/ps"))["models"] == []
        now = rig.inspect("ollama")
        assert now is not None and now["Id"] == container["Id"] and now["State"]["Running"]
        program.until(lambda s: s.servers[3].phase is Phase.IDLE, "Ollama idle")


_NO_SUCH = "pull model manifest: file does not exist"


def test_a_model_that_nobody_has_is_refused(rig: Rig, tmp_path: Path) -> None:
    """What Ollama lacks is fetched first; where that is in vain nothing was changed."""
    rig.ollama_installed(["qwen3:32b"], fail_pull={"bge-m3": _NO_SUCH})
    rig.start_ollama()
    with driven(tmp_path, profile(rig)) as program:
        program.until(lambda s: "qwen3:32b" in s.servers[3].installed, "what Ollama has")
        refused = program.switch(BGE, "ollama")
        assert refused.end is OperationEnd.REFUSED
        assert refused.failure is not None and refused.failure.code == "model-missing"


def test_a_model_that_a_freshly_started_ollama_lacks(rig: Rig, tmp_path: Path) -> None:
    """What Ollama has is known only once it runs; it is then left running."""
    rig.ollama_installed(["qwen3:32b"], fail_pull={"bge-m3": _NO_SUCH})
    with driven(tmp_path, profile(rig)) as program:
        failed = program.switch(BGE, "ollama")
        assert failed.end is OperationEnd.FAILED
        assert failed.failure is not None and failed.failure.code == "model-missing"
        assert rig.state("ollama") == "running" and rig.inspect("sparktray-lock") is None


def test_an_embedding_model_is_proven_by_one_embedding(rig: Rig, tmp_path: Path) -> None:
    """bge-m3 answers no chat, so one embedding proves it; SGLang and vLLM start in embedding mode."""
    quicken(rig)
    with driven(tmp_path, profile(rig)) as program:
        done = program.switch(BGE)
        assert done.end is OperationEnd.DONE
        assert "POST /v1/embeddings" in rig.logs("sglang")
        assert "POST /v1/chat" not in rig.logs("sglang")
        assert program.switch(BGE, "vllm").end is OperationEnd.DONE


@pytest.mark.parametrize("started", ["by us", "by hand", "with --rm"])
@pytest.mark.parametrize("fail", ["oom", "exit0"])
def test_a_model_that_dies_while_loading_gives_way_to_the_old_one(
    rig: Rig, tmp_path: Path, fail: str, started: str
) -> None:
    """Whatever the exit code says: cause and remedy are told, and what ran before serves again."""
    quicken(rig)
    with driven(tmp_path, profile(rig)) as program:
        if started == "by us":
            program.switch(SCOUT)
        else:
            rig.start_sglang(rm=started == "with --rm")
        program.until_ready("sglang")
        before = rig.inspect("sglang")
        assert before is not None
        rig.behave(CODER, fail=fail)

        operation = program.switch(CODER)

        assert operation.end is OperationEnd.ROLLED_BACK
        assert operation.failure is not None
        assert operation.failure.code == ("out-of-memory" if fail == "oom" else "engine-died")
        assert operation.failure.log_tail, "the last lines of the log tell why"
        assert rig.model_ids(30000) == [SCOUT]
        after = rig.inspect("sglang")
        assert after is not None and after["State"]["Running"]
        for told in ("Env", "Cmd", "Image", "Labels"):
            assert after["Config"][told] == before["Config"][told], told
        for told in ("AutoRemove", "RestartPolicy", "PortBindings", "Binds", "DeviceRequests"):
            assert after["HostConfig"][told] == before["HostConfig"][told], told
        if started != "with --rm":
            assert after["Id"] == before["Id"], "it is the very same container"
        assert rig.inspect("sglang.previous") is None and rig.inspect("sparktray-lock") is None
        assert program.until_ready("sglang").failure is None


def test_restart_policy_survives_the_way_there_and_back(rig: Rig, tmp_path: Path) -> None:
    """A container that Docker would start again is held down meanwhile, and gets its policy back."""
    quicken(rig)
    rig.start_sglang(rm=False, docker_args=("--restart", "on-failure:3"))
    rig.behave(CODER, fail="exit0")
    with driven(tmp_path, profile(rig)) as program:
        program.until_ready("sglang")
        operation = program.switch(CODER)
        assert operation.end is OperationEnd.ROLLED_BACK
        assert ("restart-policy", "done") in states(operation)
        told = rig.inspect("sglang")
        assert told is not None
        assert told["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}


def test_vllm_that_does_not_know_the_gb10_names_sglang(rig: Rig, tmp_path: Path) -> None:
    """ptxas ... sm_121a: the server ends failed, and the remedy is the same switch on SGLang."""
    quicken(rig)
    rig.behave(QWEN, vllm={"fail": "ptxas"})
    with driven(tmp_path, profile(rig)) as program:
        operation = program.switch(QWEN, "vllm")
        assert operation.end is OperationEnd.FAILED
        assert operation.failure is not None and operation.failure.code == "ptxas-sm121"
        assert operation.failure.remedy.values == {"model": QWEN, "server": "sglang-main"}
        state = program.state("vllm")
        assert state.phase is Phase.FAILED and state.failure is not None
        assert program.switch(QWEN).end is OperationEnd.DONE, "the remedy works"


def test_no_rollback_keeps_what_failed(rig: Rig, tmp_path: Path) -> None:
    """--no-rollback leaves both for a look: the failed one under its name, the old one aside."""
    quicken(rig)
    rig.behave(CODER, fail="exit0")
    with driven(tmp_path, profile(rig)) as program:
        program.switch(SCOUT)
        operation = program.switch(CODER, rollback=False)
        assert operation.end is OperationEnd.FAILED
        assert rig.state("sglang") == "exited" and rig.state("sglang.previous") == "exited"
        assert rig.inspect("sparktray-lock") is None
        rig.behave(CODER, fail=None)
        assert program.switch(CODER).end is OperationEnd.DONE, "our own leftover does not block the next"
        assert rig.inspect("sglang.previous") is None


def test_time_out_is_taken_back(rig: Rig, tmp_path: Path) -> None:
    """A load that takes longer than --timeout is a failure; what ran before runs again."""
    quicken(rig)
    rig.behave(CODER, fail="never")
    with driven(tmp_path, profile(rig)) as program:
        program.switch(SCOUT)
        operation = program.switch(CODER, timeout=2.0)
        assert operation.end is OperationEnd.ROLLED_BACK
        assert operation.failure is not None and operation.failure.code == "not-ready-in-time"
        assert rig.model_ids(30000) == [SCOUT]


def test_stop_one_and_all(rig: Rig, tmp_path: Path) -> None:
    """A stopped container stays under its name, and the next switch treats it as the old one."""
    quicken(rig)
    with driven(tmp_path, profile(rig)) as program:
        program.switch(SCOUT)
        program.switch(QWEN)
        assert program.stop("sglang").end is OperationEnd.DONE
        assert rig.state("sglang") == "exited" and rig.state("sglang-main") == "running"
        assert program.state("sglang").phase is Phase.IDLE, "a stop on request is no failure"
        assert program.stop().end is OperationEnd.DONE
        assert rig.state("sglang-main") == "exited"
        nothing = program.stop()
        assert nothing.end is OperationEnd.DONE and nothing.runs == ()
        assert program.switch(CODER).end is OperationEnd.DONE
        assert rig.inspect("sglang.previous") is None


def test_cancel_while_loading_brings_the_old_one_back(rig: Rig, tmp_path: Path) -> None:
    """Cancel is possible while a model loads, and does what it says."""
    quicken(rig)
    rig.behave(CODER, fail="never")
    with driven(tmp_path, profile(rig)) as program:
        program.switch(SCOUT)
        cancel_during(program, CODER, StepName.LOAD)
        assert rig.model_ids(30000) == [SCOUT]
        assert rig.inspect("sglang.previous") is None and rig.inspect("sparktray-lock") is None


def test_cancel_a_first_load_stops_it(rig: Rig, tmp_path: Path) -> None:
    """With nothing to go back to, what was started is stopped."""
    rig.behave(SCOUT, fail="never")
    with driven(tmp_path, profile(rig)) as program:
        cancel_during(program, SCOUT, StepName.LOAD)
        assert rig.state("sglang") == "exited" and rig.inspect("sparktray-lock") is None


def cancel_during(program: Driver, model: str, step: StepName) -> None:
    """Begin a switch, cancel it in that step, wait for its end."""
    identity = program.controller.wish(SwitchWish(model))

    def there(snapshot: object) -> bool:
        active = program.snapshot.active
        current = active.current if active is not None else None
        return current is not None and current.step.name is step and current.state is StepState.RUNNING

    program.until(there, f"step {step}")
    program.controller.cancel()
    ended = program.until(lambda s: s.active is None and s.operation is not None, "the way back", 60.0)
    assert ended.operation is not None and ended.operation.id == identity
    assert ended.operation.end is OperationEnd.CANCELLED, states(ended.operation)
