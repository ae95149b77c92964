"""A secret shows nowhere but where it is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from sparktray.domain.secret import Secret
from tests.canary import CANARY


@dataclass(frozen=True)
class Holder:
    secret: Secret


def test_it_prints_as_stars_and_tells_only_when_asked() -> None:
    secret = Secret(CANARY)
    assert secret.reveal() == CANARY
    assert f"{secret} {secret!r} {[secret]} {Holder(secret)}".count("***") == 4
    assert CANARY not in f"{secret} {secret!r} {[secret]} {Holder(secret)}"
    assert not hasattr(secret, "__dict__")
