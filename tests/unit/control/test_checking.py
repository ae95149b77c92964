"""What is checked of a host before it is used."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from sparktray.control.checking import (
    Check,
    Dial,
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
    AgentUnusable,
    HostKeyChanged,
    HostKeyRevoked,
    HostKeyUnknown,
    HostSilent,
    HostUnreachable,
    KeyFileUnusable,
    LinkLost,
    LoginCancelled,
    LoginRefused,
    NameNotFound,
    PortClosed,
    RemoteError,
    SecretMissing,
    SshBroken,
    SshSilent,
)
from sparktray.remote.host import open_local
from sparktray.store.catalogue_file import load_catalogue
from sparktray.store.paths import ConfigFolder
from sparktray.wording import Wording

GOOD = HostProfile("spark", "127.0.0.1", 22, "me", "/key", "SHA256:" + "A" * 43)


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


ROAD = [Stage.NAME, Stage.PORT, Stage.BANNER, Stage.HOST_KEY, Stage.LOGIN]


@pytest.mark.parametrize(
    ("error", "stage"),
    [
        (NameNotFound(address="x", port="22"), Stage.NAME),
        (PortClosed(address="x", port="22"), Stage.PORT),
        (HostSilent(address="x", port="22"), Stage.PORT),
        (HostUnreachable(address="x", port="22", reason=""), Stage.PORT),
        (SshSilent(address="x", port="22", seconds="10"), Stage.BANNER),
        (SshBroken(address="x", port="22", reason=""), Stage.BANNER),
        (HostKeyUnknown(fingerprint="f", key_type="t"), Stage.HOST_KEY),
        (HostKeyChanged(expected="a", shown="b"), Stage.HOST_KEY),
        (HostKeyRevoked(fingerprint="f", key_type="t"), Stage.HOST_KEY),
        (LoginRefused(user="me"), Stage.LOGIN),
        (SecretMissing(kind="password"), Stage.LOGIN),
        (LoginCancelled(kind="password"), Stage.LOGIN),
        (LinkLost(reason="closed"), Stage.LOGIN),
    ],
)
def test_a_connection_ends_at_its_stage(error: RemoteError, stage: Stage) -> None:
    before = [(each, None) for each in ROAD[: ROAD.index(stage)]]
    assert stages(list(checks(GOOD, refusing(error), NOTHING))) == [*before, (stage, error.code)]


@pytest.mark.parametrize(
    "error", [KeyFileUnusable(key_file="/key", reason="missing"), AgentUnusable(reason="empty")]
)
def test_without_a_usable_key_the_road_is_tried_as_far_as_it_goes(error: RemoteError) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = list(checks(replace(GOOD, port=port), refusing(error), NOTHING))
    assert stages(found) == [(Stage.NAME, None), (Stage.PORT, None), (Stage.LOGIN, error.code)]
    closed = list(checks(replace(GOOD, port=port), refusing(error), NOTHING))
    assert stages(closed) == [(Stage.NAME, None), (Stage.PORT, "port-closed")]
    unknown = list(checks(replace(GOOD, address="no-such-host.invalid"), refusing(error), NOTHING))
    assert stages(unknown) == [(Stage.NAME, "name-not-found")]


def known_stages(found: dict[Stage, Check]) -> list[Stage]:
    """All of them; where there is no Docker nobody knows who may use it, or what for."""
    without = {Stage.DOCKER_ALLOWED, Stage.ENGINES} if found[Stage.DOCKER].problem is not None else set()
    return [stage for stage in Stage if stage not in without]


NOTHING = Catalogue(servers=(), models=())


def refusing(error: RemoteError) -> Dial:
    def dial(_: HostProfile) -> Remote:
        raise error

    return dial


def test_the_connection_is_closed_whenever_the_checks_end(tmp_path: Path) -> None:
    host = replace(GOOD, models_dir=str(tmp_path), cache_dir=str(tmp_path))
    lost: list[str] = []

    def dial(_: HostProfile) -> Remote:
        remote = open_local()
        remote.on_lost(lambda: lost.append("closed"))
        return remote

    early = checks(host, dial, NOTHING)
    assert [next(early).stage for _ in ROAD] == ROAD
    assert lost == []
    early.close()
    assert lost == ["closed"]
    found = {check.stage: check for check in checks(host, dial, NOTHING)}
    assert lost == ["closed", "closed"]
    assert list(found) == known_stages(found)
    assert found[Stage.FOLDERS].detail == f"{tmp_path}, {tmp_path}"
    missing = replace(host, cache_dir=str(tmp_path / "none"))
    folders = {check.stage: check for check in checks(missing, dial, NOTHING)}[Stage.FOLDERS]
    assert folders.problem is not None and folders.problem.code == "folder-missing"


def test_this_computer_has_no_road_to_be_checked(tmp_path: Path) -> None:
    host = HostProfile("here", "local", models_dir=str(tmp_path), cache_dir=str(tmp_path))
    found = {check.stage: check for check in checks(host, lambda _: open_local(), NOTHING)}
    assert list(found) == [stage for stage in known_stages(found) if stage not in ROAD]


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
