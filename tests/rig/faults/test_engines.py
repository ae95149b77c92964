"""Engines and drivers that answer wrongly, late, too much or never, row by row of the fault matrix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.rig.faults.scene import IDLE, READY, SCOUT, Scene, Stage, passes
from tests.waiting import scaled, wait_until

CODER = "qwen3-coder-30b-nvfp4"
IMAGE = "lmsysorg/sglang:spark"
# Answers every request on port 30000 as the file beside it says.
LIAR = """
import gzip, json, socketserver, time
def body(how):
    if how == "bomb": return gzip.compress(bytes(300_000_000), 9)
    if how == "many": return json.dumps({"data": [{"id": f"m{n}"} for n in range(100_000)]}).encode()
    if how == "letters": return b'{"data": [{"id": "\\xff\\xfe\\xc3("}]}'
    return b"[" * 100_000
KNOWN = {how: body(how) for how in ("bomb", "many", "letters", "deep")}
class Liar(socketserver.StreamRequestHandler):
    def handle(self):
        while self.rfile.readline().strip(): pass
        how = open("/liar/how").read()
        if how == "drip":
            self.wfile.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 100000\\r\\n\\r\\n")
            for _ in range(100): self.wfile.write(b" "); time.sleep(0.5)
            return
        told = KNOWN[how]
        packed = b"Content-Encoding: gzip\\r\\n" if how == "bomb" else b""
        self.wfile.write(b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nConnection: close\\r\\n")
        self.wfile.write(packed + b"Content-Length: %d\\r\\n\\r\\n" % len(told) + told)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    def handle_error(self, *_): pass
print("lying", flush=True)
Server(("", 30000), Liar).serve_forever()
"""
# Far less than any of the lies, which a loading server tells five times a second.
_MIB_MORE = 50
HANGS = "does not answer as it should"


@contextmanager
def memory_stays(scene: Scene) -> Iterator[None]:
    """Whatever comes meanwhile, the tray does not hold it."""
    before = scene.running.resident_kib
    yield
    more = (scene.running.resident_kib - before) / 1024
    assert more < _MIB_MORE, f"{more:.1f} MiB"


@pytest.mark.fault("D14")
def test_one_that_lists_its_model_and_generates_nothing(stage: Stage) -> None:
    """Not ready for long: SGLang's health, which generates a token, is asked every 30 s."""
    with stage.scene() as scene:
        stage.rig.behave_live(30000, hung=True)
        took = scene.shows(f"{SCOUT} on sglang {HANGS}", 150.0)
        assert stage.rig.model_ids(30000) == [SCOUT], "it lists the model all the time"
        assert took < scaled(150.0)
        stage.rig.behave_live(30000, hung=None)
        scene.well_again(notifications=1)


@pytest.mark.fault("D15")
def test_a_load_that_takes_long(stage: Stage) -> None:
    """No error and no notification; it goes on until somebody cancels, and then the old model is back."""
    stage.rig.start_sglang(SCOUT, rm=False)
    stage.rig.wait_http(30000, "/health")
    with stage.scene() as scene:
        stage.rig.behave(CODER, fail="never")
        scene.item.click(CODER)
        scene.shows(f"Switching to {CODER}: Load", 40.0)
        passes(45.0)
        assert scene.pulse.said.startswith(f"Switching to {CODER}") and not scene.theirs.told
        scene.item.click("Cancel")
        scene.well_again(notifications=1)
        assert stage.rig.model_ids(30000) == [SCOUT]


@pytest.mark.fault("D16")
def test_health_that_fails_while_a_long_prompt_is_read(stage: Stage) -> None:
    """503 for 40 s while a request is open: busy, and never called down."""
    with stage.scene() as scene:
        stage.rig.behave_live(30000, running=1)
        wait_until(lambda: scene.item.rows(), "the menu")
        passes(6.0)
        began = len(scene.pulse.beats)
        stage.rig.behave_live(30000, running=1, hung=True)
        passes(45.0)
        assert not [b.said for b in scene.pulse.beats[began:] if HANGS in b.said]
        stage.rig.behave_live(30000, running=None, hung=None)
        scene.well_again()


@pytest.mark.fault("D17")
def test_another_model_than_the_mounted_one_and_several(stage: Stage) -> None:
    """What the server says is what is shown and copied; that it is another one is said."""
    with stage.scene() as scene:
        stage.rig.behave_live(30000, served_id="gpt-4o-mini", models_more=3)
        scene.shows("gpt-4o-mini is ready on spark.")
        assert scene.item.row(SCOUT).checked
        (server,) = (s for s in scene.program.json("status")["servers"] if s["server"] == "sglang")
        assert (server["model_id"], server["misnamed"], server["model"]) == ("gpt-4o-mini", True, SCOUT)
        stage.rig.behave_live(30000, served_id=None, models_more=None)
        scene.well_again(notifications=2)  # each time: somebody else switched


@pytest.mark.fault("D18")
def test_answers_that_are_none(stage: Stage, tmp_path: Path) -> None:
    """A bomb of 300 MB, a drip, 100,000 models, letters that are none, endless JSON: memory stays flat."""
    folder = tmp_path / "liar"
    folder.mkdir()
    (folder / "liar.py").write_text(LIAR, encoding="utf-8")
    how = folder / "how"
    how.write_text("bomb", encoding="ascii")
    with stage.scene(serving=False) as scene:
        words = ("--name", "sglang", "-p", "30000:30000", "-v", f"{folder}:/liar", "--entrypoint", "python3")
        stage.rig.docker("run", "-d", *words, IMAGE, "/liar/liar.py")
        wait_until(lambda: "lying" in stage.rig.logs("sglang"), "the liar", seconds=30)
        for lie in ("bomb", "drip", "letters", "deep", "many"):
            how.write_text(lie, encoding="ascii")
            with memory_stays(scene):
                passes(8.0)
            # The first of many models is one, after a while.
            assert lie == "many" or "is ready" not in scene.pulse.said, (lie, scene.pulse.said)
        stage.rig.docker("rm", "--force", "sglang")
        scene.well_again(begins=IDLE)


@pytest.mark.fault("D19")
def test_a_log_that_floods(stage: Stage) -> None:
    """As fast as Docker takes it, while the log is followed: only its end is kept."""
    flood = "while :; do yes $(printf 'x%.0s' $(seq 99)) | head -n 100000; done"
    with stage.scene(serving=False) as scene, memory_stays(scene):
        words = ("--name", "sglang", "-p", "30000:30000", "--log-opt", "max-size=20m", "--entrypoint", "sh")
        stage.rig.docker("run", "-d", *words, IMAGE, "-c", flood)
        scene.shows("sglang is loading")
        passes(20.0)
        stage.rig.docker("rm", "--force", "sglang")
        scene.well_again(begins=IDLE)


@pytest.mark.fault("D21")
def test_an_nvidia_smi_that_hangs(stage: Stage) -> None:
    """Everything else goes on as quickly as ever, memory too; of the GPU nothing is said."""
    with stage.scene() as scene:
        stage.rig.set_gpu(hangs=True)
        passes(12.0)
        assert scene.pulse.said.startswith(READY)
        told = scene.program.json("status")
        assert told["memory"]["available_bytes"] and told["gpu"]["temperature_c"] is None
        stage.rig.docker("kill", "sglang")
        assert scene.shows(IDLE) < scaled(5.0)
        stage.rig.set_gpu(hangs=False)
        scene.well_again(begins=IDLE)
        wait_until(
            lambda: scene.program.json("status")["gpu"]["temperature_c"], "the GPU", seconds=20, every=0.5
        )


@pytest.mark.fault("D21")
def test_a_docker_without_nvidias_runtime(stage: Stage) -> None:
    """The remedy names the runtime. What Docker looks for at its start is taken away; no real one is here."""
    engine = stage.rig.engine
    hook = engine.folder / "hooks" / "nvidia-container-runtime-hook"
    aside = hook.with_name("aside")
    with stage.scene(serving=False) as scene:
        hook.rename(aside)
        try:
            engine.reboot()
            scene.well_again(begins=IDLE)
            scene.item.click(SCOUT)
            told = scene.told_of()
            assert "cannot use the GPU" in told and "nvidia-ctk" in told, told
        finally:
            aside.rename(hook)
            engine.reboot()
        scene.well_again(notifications=1, begins=IDLE)
        assert stage.rig.inspect("sparktray-lock") is None
