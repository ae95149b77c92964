"""What the host's own programs print: memory, GPU, processes, listeners, folders."""

from __future__ import annotations

import contextlib
import io
import math
import tarfile
from collections.abc import Sequence

from hypothesis import strategies as st

from sparktray.control.discovering import FolderMissing, discover
from sparktray.decide.finding.proposals import proposals
from sparktray.domain.events import Sampled
from sparktray.domain.facts.survey import is_resting, read_listeners
from sparktray.domain.facts.vitals import read_memory, read_unused, read_vitals
from sparktray.remote import commands
from sparktray.remote.errors import RemoteError
from sparktray.remote.link import RemoteProcess
from tests.pure.decide.building import CATALOGUE, HOST, NOW, connected, sglang_box
from tests.unit.fuzz.fuzzing import corpus, fuzz
from tests.unit.fuzz.looking import looked_at, plain, said
from tests.unit.fuzz.memory_link import MemoryLink, host
from tests.unit.fuzz.mutating import changed

WORDS = [b"MemTotal:  9 kB\n", b"MemAvailable:  -1 kB\n", b"[N/A]", b", ", b"pid, used\n", b"/proc/1/cgroup:"]


@fuzz("samples of the host", changed(corpus("samples"), [*WORDS, b"==sparktray==\n", b"==sparktray==end\n"]))
def test_samples(stdout: bytes) -> None:
    desk = connected(sglang_box())
    with contextlib.suppress(RemoteError):
        sample = host(MemoryLink(stdout=stdout)).sample(deadline=5.0)
        vitals = read_vitals(sample.meminfo, sample.gpu, NOW, sample.processes, sample.cgroups)
        desk.take(Sampled(desk.snapshot.epoch, vitals))
    looked_at(desk.snapshot, NOW)


@fuzz(
    "meminfo, nvidia-smi, cgroups",
    st.tuples(
        *(
            changed(corpus("host", pattern), WORDS)
            for pattern in ("meminfo.txt", "gpu*.txt", "processes.txt", "cgroups.txt")
        )
    ),
)
def test_vitals(texts: tuple[bytes, bytes, bytes, bytes]) -> None:
    meminfo, gpu, processes, cgroups = (text.decode("utf-8", "replace") for text in texts)
    vitals = read_vitals(meminfo, gpu, NOW, processes, cgroups)
    for figure in (vitals.total_bytes, vitals.available_bytes, *(size for _, size in vitals.shares or ())):
        assert figure is None or 0 <= figure < 1 << 64
    for measured in (vitals.gpu_percent, vitals.gpu_celsius, vitals.gpu_watt):
        assert measured is None or math.isfinite(measured)
    assert read_memory(meminfo) is None or None not in (vitals.total_bytes, vitals.available_bytes)
    assert (read_unused(meminfo) or 0) >= 0
    desk = connected(sglang_box())
    desk.take(Sampled(desk.snapshot.epoch, vitals))
    looked_at(desk.snapshot, NOW)


@fuzz(
    "ss and systemctl", changed(corpus("host", "s*.txt"), [b'users:(("', b"0.0.0.0:", b"LoadState=loaded\n"])
)
def test_listeners(output: bytes) -> None:
    text = output.decode("utf-8", "replace")
    for listener in read_listeners(text):
        assert 0 <= listener.port <= 99_999
    assert is_resting(text) in {True, False}


FOLDERS = b"".join(
    part + b"\0"
    for part in (
        *(b"d 803:1001 qwen", b"f 900 qwen/config.json", b"f 17000000000 qwen/model.safetensors"),
        *(b"l 42 qwen/tokenizer.json", b"d 803:1002 a/models--Qwen--Qwen3/snapshots/0a1b", b"f 3 x.gguf"),
    )
)


@fuzz(
    "find in the models folder",
    changed(
        [FOLDERS], [b"\0", b"d ", b"f 1 ", b"config.json\0", b"model-00001-of-99999.safetensors\0", b"/"]
    ),
    first=[FOLDERS, FOLDERS.replace(b"f 900 ", b"f " + b"9" * 6_000 + b" ")],
)
def test_folders(stdout: bytes) -> None:
    remote = host(MemoryLink(stdout=stdout))
    with contextlib.suppress(RemoteError, FolderMissing):
        found = discover(remote, HOST, CATALOGUE)
        for each in proposals(connected(sglang_box()).snapshot, found):
            plain(each.id)
            said((each.reason, each.unknown, each.remarks, each.facts))
    with contextlib.suppress(RemoteError):
        assert all(entry.size >= 0 for entry in commands.list_folder(MemoryLink(stdout=stdout), "/m") or ())


def _archive() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as opened:
        for name in ("qwen/config.json", "qwen/model.safetensors.index.json"):
            about = tarfile.TarInfo(f"{HOST.models_dir}/{name}")
            about.size = 2
            opened.addfile(about, io.BytesIO(b"{}"))
    return made.getvalue()


@fuzz("tar of the small files", changed([_archive()], [b"0000777\0", b"././@LongLink", b"K", b"\x80\xff"]))
def test_archives(stdout: bytes) -> None:
    with contextlib.suppress(RemoteError, FolderMissing):
        discover(host(_Listing(stdout)), HOST, CATALOGUE)


class _Listing(MemoryLink):
    """Lists a good folder, and answers with those bytes for its files."""

    def __init__(self, archive: bytes) -> None:
        super().__init__()
        self._archive = archive

    def start(self, argv: Sequence[str], *, timeout: float, terminal: bool = False) -> RemoteProcess:
        self.stdout = self._archive if "tar" in argv else FOLDERS
        return super().start(argv, timeout=timeout, terminal=terminal)
