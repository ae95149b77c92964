"""What is checked of a host before it is used."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from sparktray.control.checking import (
    Check,
    Stage,
    checks,
    key_kind,
    look_around,
    read_fingerprint,
    title_of,
    unusable,
)
from sparktray.domain.catalogue import Catalogue, Model
from sparktray.domain.host import HostProfile
from sparktray.remote.contract import Remote
from sparktray.remote.errors import (
    HostKeyChanged,
    HostKeyUnknown,
    KeyFileUnusable,
    LinkLost,
    LoginRefused,
    RemoteError,
)
from sparktray.remote.host import open_local
from sparktray.store.catalogue_file import load_catalogue
from sparktray.store.paths import ConfigFolder
from sparktray.wording import Wording

GOOD = HostProfile("spark", "127.0.0.1", 22, "me", "/key", "SHA256:" + "A" * 43)


@pytest.fixture
def listening() -> Iterator[int]:
    """A port that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "-x"),
        ("name", ""),
        ("address", "-oProxyCommand=x"),
        ("address", "a b"),
        ("user", "$(id)"),
        ("user", ""),
        ("fingerprint", "SHA256:short"),
        ("key_file", "/a\u202eb"),
        ("models_dir", "relative"),
        ("models_dir", "/a:/b"),
        ("cache_dir", "/a/../b"),
        ("cache_dir", "/a\nb"),
    ],
)
def test_a_field_that_cannot_be_used_is_named_with_its_remedy(field: str, value: str) -> None:
    assert list(unusable(GOOD)) == []
    found = dict(unusable(replace(GOOD, **cast(Any, {field: value}))))
    assert list(found) == [field]
    assert found[field].code == "usage-host" and Wording("en")(found[field].remedy)


@pytest.mark.parametrize(
    ("key_type", "kind"),
    [("ssh-ed25519", "ED25519"), ("ecdsa-sha2-nistp256", "ECDSA"), ("ssh-rsa", "RSA"), ("odd", "ED25519")],
)
def test_the_key_that_is_shown_is_the_one_to_compare(key_type: str, kind: str) -> None:
    assert key_kind(key_type) == kind
    assert read_fingerprint(key_type) == f"ssh-keygen -lf /etc/ssh/ssh_host_{kind.lower()}_key.pub"


def test_every_stage_has_a_title_of_its_own() -> None:
    assert len({title_of(stage).msgid for stage in Stage}) == len(Stage)


def stages(found: list[Check]) -> list[tuple[Stage, str | None]]:
    return [(check.stage, None if check.problem is None else check.problem.code) for check in found]


def refusing(error: RemoteError, port: int) -> list[Check]:
    def dial(host: HostProfile) -> Remote:
        raise error

    return list(checks(replace(GOOD, port=port), dial))


def test_a_port_that_is_closed_and_a_name_that_is_none(listening: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    assert stages(refusing(LinkLost(), free)) == [(Stage.NAME, None), (Stage.PORT, "port-closed")]
    unknown = list(checks(replace(GOOD, address="no-such-host.invalid"), lambda _: open_local()))
    assert stages(unknown) == [(Stage.NAME, "name-not-found")]


@pytest.mark.parametrize(
    ("error", "stage", "before"),
    [
        (KeyFileUnusable(key_file="/key", reason="missing"), Stage.LOGIN, [Stage.PORT]),
        (HostKeyUnknown(fingerprint="f", key_type="t"), Stage.HOST_KEY, [Stage.PORT]),
        (HostKeyChanged(expected="a", shown="b"), Stage.HOST_KEY, [Stage.PORT]),
        (LoginRefused(user="me"), Stage.LOGIN, [Stage.PORT, Stage.HOST_KEY]),
        (LinkLost(reason="closed"), Stage.PORT, []),
    ],
)
def test_a_connection_ends_at_its_stage(
    listening: int, error: RemoteError, stage: Stage, before: list[Stage]
) -> None:
    expected = [(each, None) for each in [Stage.NAME, *before]]
    assert stages(refusing(error, listening)) == [*expected, (stage, error.code)]


def test_the_connection_is_closed_whenever_the_checks_end(listening: int, tmp_path: Path) -> None:
    host = replace(GOOD, port=listening, models_dir=str(tmp_path), cache_dir=str(tmp_path))
    lost: list[str] = []

    def dial(_: HostProfile) -> Remote:
        remote = open_local()
        remote.on_lost(lambda: lost.append("closed"))
        return remote

    early = checks(host, dial)
    assert [next(early).stage for _ in range(4)] == [Stage.NAME, Stage.PORT, Stage.HOST_KEY, Stage.LOGIN]
    assert lost == []
    early.close()
    assert lost == ["closed"]
    found = {check.stage: check for check in checks(host, dial)}
    assert lost == ["closed", "closed"]
    assert list(found) == list(Stage)
    assert found[Stage.FOLDERS].detail == f"{tmp_path}, {tmp_path}"
    missing = replace(host, cache_dir=str(tmp_path / "none"))
    *_, folders = checks(missing, dial)
    assert folders.problem is not None and folders.problem.code == "folder-missing"


def test_this_computer_has_no_road_to_be_checked(tmp_path: Path) -> None:
    host = HostProfile("here", "local", models_dir=str(tmp_path), cache_dir=str(tmp_path))
    assert [check.stage for check in checks(host, lambda _: open_local())] == [
        Stage.DOCKER,
        Stage.GPU,
        Stage.FOLDERS,
    ]


def test_models_are_there_when_their_folder_is(tmp_path: Path) -> None:
    """Links count, files do not; more models than fit in one command are asked for in several."""
    shipped = load_catalogue(ConfigFolder(tmp_path / "config"))
    many = tuple(Model(id=f"m{n}", servers=("sglang",), path=f"{{models}}/it's {n}") for n in range(450))
    pathless = Model(id="in-ollama", servers=("ollama",), ollama="x")
    catalogue = Catalogue(servers=shipped.servers, models=(*many, pathless))
    host = HostProfile("here", "local", models_dir=str(tmp_path), cache_dir=str(tmp_path))
    for number in (0, 199, 200, 449):
        (tmp_path / f"it's {number}").mkdir()
    (tmp_path / "it's 7").write_text("a file")
    (tmp_path / "it's 8").symlink_to(tmp_path / "it's 0")
    remote = open_local()
    try:
        found = look_around(remote, host, catalogue)
    finally:
        remote.close()
    assert [model.id for model in found.models] == ["m0", "m8", "m199", "m200", "m449"]
