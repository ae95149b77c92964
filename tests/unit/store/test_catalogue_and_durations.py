"""Which catalogue counts, and what past loads tell."""

import math
from pathlib import Path

import pytest

from sparktray.domain.catalogue_file.reading import CatalogueError
from sparktray.store.catalogue_file import load_catalogue
from sparktray.store.durations import Durations
from sparktray.store.paths import ConfigFolder, StoreError


def test_the_shipped_catalogue_counts_until_there_is_an_own_one(tmp_path: Path) -> None:
    assert len(load_catalogue(ConfigFolder(tmp_path)).models) == 6
    own = tmp_path / "models.json"
    own.write_text('{"version": 1, "servers": {}, "models": []}')
    assert load_catalogue(ConfigFolder(tmp_path)).models == ()


@pytest.mark.parametrize("text", [b"", b"{", b"\0\0\0\0", b"\xef\xbb\xbf{}", b'{"version": 1}'])
def test_a_broken_own_catalogue_is_said_and_left_alone(tmp_path: Path, text: bytes) -> None:
    own = tmp_path / "models.json"
    own.write_bytes(text)
    with pytest.raises(CatalogueError) as raised:
        load_catalogue(ConfigFolder(tmp_path))
    assert raised.value.problem.source == str(own)
    assert own.read_bytes() == text


def test_a_catalogue_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "models.json").mkdir()
    with pytest.raises(StoreError) as raised:
        load_catalogue(ConfigFolder(tmp_path))
    assert raised.value.problem.code == "store-unreadable"


def test_usual_is_the_median_of_the_last_five(tmp_path: Path) -> None:
    durations = Durations(ConfigFolder(tmp_path))
    assert durations.usual("spark", "sglang", "m") is None
    for seconds in (1000.0, 30.0, 10.0, 20.0, 50.0, 40.0):
        durations.remember("spark", "sglang", "m", seconds)
    assert durations.usual("spark", "sglang", "m") == 30.0
    assert durations.usual("spark", "vllm", "m") is None
    assert durations.usual("other", "sglang", "m") is None


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -1.0])
def test_what_is_no_duration_is_not_remembered(tmp_path: Path, seconds: float) -> None:
    durations = Durations(ConfigFolder(tmp_path))
    durations.remember("spark", "sglang", "m", seconds)
    assert durations.usual("spark", "sglang", "m") is None


@pytest.mark.parametrize("text", [b"", b"[[", b"\0", b'[{"host": 1}]', b"{}", b"[" * 50_000])
def test_a_broken_file_is_learnt_anew(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "durations.json").write_bytes(text)
    durations = Durations(ConfigFolder(tmp_path))
    assert durations.usual("spark", "sglang", "m") is None
    durations.remember("spark", "sglang", "m", 2.0)
    assert durations.usual("spark", "sglang", "m") == 2.0
