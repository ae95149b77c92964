"""The config folder of a visit: its only host, secrets that no keyring gets, and its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparktray.demo.folder import PassingFolder
from sparktray.domain.host import DEMO_HOST
from sparktray.domain.secret import Secret
from sparktray.store import secrets
from sparktray.store.autostart.entry import Never
from sparktray.store.hosts import HostsFile
from sparktray.store.language import language_of
from sparktray.store.paths import ConfigFolder, StoreError
from sparktray.store.secrets import SecretKind, Secrets


def test_the_demo_is_its_only_host_and_it_is_gone_at_the_end() -> None:
    with PassingFolder("de") as made:
        assert HostsFile(made.folder).load().profiles == (DEMO_HOST,)
        assert language_of(made.folder) == "de"
        assert made.folder.passing
        path = made.folder.path
        (path / "journal").mkdir()
        (path / "journal" / "x").write_text("y")
    assert not path.exists()


def test_its_secrets_go_to_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_pinned_keyring", lambda platform: pytest.fail(platform))
    monkeypatch.setattr(secrets, "_opened", lambda asking, create: pytest.fail("the keyring was asked"))
    with PassingFolder() as made:
        kept, again = Secrets(made.folder), Secrets(made.folder)
        kept.set_named("key", Secret("abc"))
        kept.set("demo", SecretKind.PASSWORD, Secret("x"))
        found = again.named("key")
        assert found is not None
        assert found.reveal() == "abc"
        assert again.get("demo", SecretKind.PASSPHRASE) is None
        kept.forget_named("key")
        assert again.named("key") is None
        with PassingFolder() as other:
            assert Secrets(other.folder).get("demo", SecretKind.PASSWORD) is None


def test_it_does_not_start_with_the_session() -> None:
    never = Never()
    never.disable()
    with pytest.raises(StoreError) as caught:
        never.enable()
    assert caught.value.problem.cause.msgid.startswith("The demo does not start with the session")
    assert not never.enabled()


def test_a_persons_own_folder_does_not_pass(tmp_path: Path) -> None:
    assert not ConfigFolder(tmp_path).passing
