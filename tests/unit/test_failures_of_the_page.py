"""The page of failures is what the program says, and speaks of all it knows."""

from __future__ import annotations

from scripts.failure_table import PAGE, page, sections
from sparktray.decide.ways_on import OF_MEMORY, OF_THE_IMAGE

# Codes that are no text of a log: the operation itself finds these.
OF_THE_OPERATION = {"image-architecture"}


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make failure-table"


def test_at_least_35_texts_are_known() -> None:
    assert len({rule.seen for _, rules in sections() for rule in rules}) >= 35


def test_every_code_with_a_way_out_is_one_that_comes() -> None:
    known = {rule.code for _, rules in sections() for rule in rules}
    assert known >= (OF_MEMORY | OF_THE_IMAGE) - OF_THE_OPERATION
