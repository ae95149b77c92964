"""Links lead somewhere, commands are such as the program takes, generated pages are as they would be now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts import error_table, models_reference
from sparktray.cli.arguments import parse
from sparktray.wording import Wording
from tests.documents import PAGES, ROOT, Command, anchors, commands, links, targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        there = page if not name else (page.parent / name).resolve()
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_every_page_is_linked() -> None:
    linked = {(page.parent / target.partition("#")[0]).resolve() for page in PAGES for target in links(page)}
    begin = {"README.md", "CHANGELOG.md"}
    alone = [page.name for page in PAGES if page.resolve() not in linked and page.name not in begin]
    assert alone == []


@pytest.mark.parametrize("command", commands(), ids=lambda each: f"{each.page}: {' '.join(each.words)}")
def test_the_program_takes_the_commands_that_readers_are_told(command: Command) -> None:
    parse(list(command.words), Wording("en"))


def test_make_has_the_targets_that_are_named() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    assert targets() <= known, targets() - known


def test_the_generated_pages_are_up_to_date() -> None:
    assert error_table.PAGE.read_text(encoding="utf-8") == error_table.page(), "make error-table"
    assert models_reference.PAGE.read_text(encoding="utf-8") == models_reference.page(), (
        "make models-reference"
    )


def test_the_errors_are_those_of_the_program() -> None:
    codes = {row.code for row in error_table.rows()}
    assert {"host-key-changed", "memory-short", "key-needed", "catalogue-flag", "usage"} <= codes
    assert len(codes) > 80
