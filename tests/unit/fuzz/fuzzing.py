"""How a target is fuzzed: each input of its corpus as it is, then changed ones, within bounds.

As part of the ordinary tests it is short and tries the same inputs each time. `make fuzz`
(tests/fuzz_table.py) goes on with new ones until each target's time is over, and keeps what broke something
in `.hypothesis`.
"""

from __future__ import annotations

import functools
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.errors import HypothesisWarning

from tests.waiting import scaled

ROOT = Path(__file__).resolve().parents[3]
CORPUS = ROOT / "tests" / "corpus"
SHORT = 60
_A_ROUND = 200
LONGEST = 1.0  # seconds of the processor's time for one input, which a busy machine does not stretch
T = TypeVar("T")
_EVERYTHING = list(HealthCheck)


def corpus(folder: str, pattern: str = "*") -> list[bytes]:
    """The files of one folder of the corpus, by name."""
    found = [path.read_bytes() for path in sorted((CORPUS / folder).glob(pattern)) if path.is_file()]
    assert found, folder
    return found


@dataclass(slots=True)
class Count:
    """What one target has come to: inputs tried, in how many seconds, and what the slowest of them took."""

    inputs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0


@dataclass(slots=True)
class Campaign:
    """``seconds`` for each target, None in the ordinary tests; ``counts`` by target."""

    seconds: float | None = None
    counts: dict[str, Count] = field(default_factory=dict)


CAMPAIGN = Campaign()


def fuzz(
    target: str, inputs: st.SearchStrategy[T], *, examples: int = SHORT, first: tuple[T, ...] | list[T] = ()
) -> Callable[[Callable[[T], None]], Callable[[], None]]:
    """Make a test of a function that takes one input; ``first`` are tried as they are."""

    def decorate(body: Callable[[T], None]) -> Callable[[], None]:
        def bounded(value: T) -> None:
            count = CAMPAIGN.counts.setdefault(target, Count())
            began = time.thread_time()
            body(value)
            took = time.thread_time() - began
            count.inputs += 1
            count.slowest = max(count.slowest, took)
            assert took < scaled(LONGEST), f"one input took {took:.1f} s"

        short = settings(
            max_examples=examples, derandomize=True, database=None, suppress_health_check=_EVERYTHING
        )
        long = settings(
            phases=(Phase.reuse, Phase.generate, Phase.shrink),
            max_examples=_A_ROUND,
            derandomize=False,
            database=DirectoryBasedExampleDatabase(ROOT / ".hypothesis" / "examples"),
            suppress_health_check=_EVERYTHING,
        )

        def run() -> None:
            with warnings.catch_warnings():
                # An input that breaks something is shown, however long it is.
                warnings.simplefilter("ignore", HypothesisWarning)
                for value in first:
                    bounded(value)
                if CAMPAIGN.seconds is None:
                    short(given(inputs)(bounded))()
                    return
                once = long(given(inputs)(bounded))
                began = time.monotonic()
                while time.monotonic() < began + CAMPAIGN.seconds:
                    once()
                CAMPAIGN.counts[target].seconds = time.monotonic() - began

        functools.update_wrapper(run, body)
        del run.__wrapped__  # type: ignore[attr-defined]  # pytest would look there for arguments
        return pytest.mark.fuzz(target)(run)

    return decorate
