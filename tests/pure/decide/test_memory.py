"""A switch that would leave the host short of memory is refused with the sum."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from sparktray.decide.changing.plan import Plan
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.operation import SwitchWish
from sparktray.domain.problem import Problem
from sparktray.domain.vitals import Vitals
from tests.pure.decide.building import CODER, GIB, Desk, connected, ended, rendered, sglang_box, survey
from tests.pure.decide.planning import asked

OLD = sglang_box(model="scout")
# Weights and cache of the entry come to this: its own word for it.
MODEL_GIB = 60
TOTAL = 122 * GIB


def desk(*, holds: int | None = None, runs: bool = False) -> Desk:
    """A host whose model "coder" says what it takes; the old server holds so much by nvidia-smi's count."""
    made = connected(OLD) if runs else connected()
    sized = tuple(
        structs.replace(model, memory_gib=float(MODEL_GIB)) if model.id == "coder" else model
        for model in made.snapshot.catalogue.models
    )
    catalogue = Catalogue(servers=made.snapshot.catalogue.servers, models=sized)
    shares = None if holds is None else ((OLD.id, holds),)
    made.snapshot = replace(made.snapshot, catalogue=catalogue, vitals=Vitals(shares=shares))
    return made


@pytest.mark.parametrize(
    ("free_gib", "holds_gib", "runs", "fits"),
    [
        (70, None, False, True),
        (69, None, False, False),
        (30, 40, True, True),
        (30, 39, True, False),
        (5, None, True, True),
    ],
    ids=["just enough", "a little less", "with what stops", "not even so", "not counted: all that is used"],
)
def test_a_model_fits_or_is_refused(free_gib: int, holds_gib: int | None, runs: bool, fits: bool) -> None:
    """The host keeps 8 % of its 122 GiB, 9.76 GiB, for itself."""
    holds = None if holds_gib is None else holds_gib * GIB
    told = survey(CODER, memory=(free_gib * GIB, TOTAL))
    found = asked(desk(holds=holds, runs=runs), SwitchWish("coder"), told)
    assert isinstance(found, Plan if fits else Problem)


def test_the_sum_is_told_and_force_goes_on() -> None:
    told = survey(CODER, memory=(20 * GIB, TOTAL))
    refused = asked(desk(), SwitchWish("coder"), told)
    assert isinstance(refused, Problem) and refused.code == "memory-short"
    assert rendered(refused.cause) == (
        "coder needs about 60.0 GiB of memory, and 10.2 GiB can be had for it: 9.8 GiB are kept for the host."
    )
    assert "--force" in rendered(refused.remedy)
    assert isinstance(asked(desk(), SwitchWish("coder", force=True), told), Plan)


def test_less_than_nothing_is_nothing() -> None:
    refused = asked(desk(), SwitchWish("coder"), survey(CODER, memory=(GIB, TOTAL)))
    assert isinstance(refused, Problem) and "and 0.0 GiB can be had" in rendered(refused.cause)


def test_what_stopped_long_ago_gives_nothing_back() -> None:
    made = desk()
    made.snapshot = replace(made.snapshot, containers=(ended(OLD),))
    told = survey(CODER, memory=(69 * GIB, TOTAL))
    assert isinstance(asked(made, SwitchWish("coder"), told), Problem)


def test_a_host_that_does_not_tell_refuses_nothing() -> None:
    assert isinstance(asked(desk(), SwitchWish("coder"), survey(CODER, memory=None)), Plan)
