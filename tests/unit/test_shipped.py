"""Where the files that come with the program are found, in a checkout and in a frozen build."""

import sys
from pathlib import Path

import pytest

from sparktray.store.shipped import ShippedFileMissing, shipped

ROOT = Path(__file__).resolve().parents[2]


def test_a_checkout_has_them_at_its_top_level() -> None:
    assert shipped("models.json") == ROOT / "models.json"
    assert shipped("resources/models.schema.json") == ROOT / "resources" / "models.schema.json"
    assert shipped("resources").is_dir()


def test_a_frozen_build_has_them_where_it_was_unpacked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "models.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert shipped("models.json") == tmp_path / "models.json"
    # Not from a checkout that happens to be near.
    with pytest.raises(ShippedFileMissing):
        shipped("resources/models.schema.json")


def test_what_is_missing_is_named_with_where_it_was_sought_and_a_remedy() -> None:
    with pytest.raises(ShippedFileMissing) as raised:
        shipped("resources/nothing.svg")
    message = str(raised.value)
    assert "resources/nothing.svg" in message
    assert str(ROOT) in message
    assert "install it again" in message
