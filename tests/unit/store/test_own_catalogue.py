"""The person's own list of models: how it comes, what a broken one does, and how it goes again."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sparktray.domain.catalogue_file.reading import CatalogueError
from sparktray.domain.catalogue_file.writing import Addition
from sparktray.store.catalogue_file import (
    add_entries,
    load_catalogue,
    make_own,
    own_catalogue,
    problem_of_catalogue,
    usable_catalogue,
    use_shipped,
)
from sparktray.store.paths import ConfigFolder, StoreError
from sparktray.store.shipped import shipped
from sparktray.wording import Wording

EMPTY = '{"version": 1, "servers": {}, "models": []}'


@pytest.fixture
def folder(tmp_path: Path) -> ConfigFolder:
    return ConfigFolder(tmp_path / "config")


def test_editing_makes_a_copy_with_its_schema_beside_it(folder: ConfigFolder) -> None:
    assert own_catalogue(folder) is None
    before = load_catalogue(folder)
    own = make_own(folder)
    assert own_catalogue(folder) == own
    assert load_catalogue(folder) == before
    schema = own.parent / json.loads(own.read_text(encoding="utf-8"))["$schema"]
    assert schema.read_bytes() == shipped("resources/models.schema.json").read_bytes()


def test_an_own_list_is_never_written_over(folder: ConfigFolder) -> None:
    own = make_own(folder)
    own.write_text(EMPTY)
    assert make_own(folder) == own
    assert own.read_text() == EMPTY


ENTRY = {"id": "mine", "server": "sglang", "path": "{models}/mine"}


def test_an_entry_that_is_added_makes_the_list_ones_own(folder: ConfigFolder) -> None:
    before = load_catalogue(folder)
    own = add_entries(folder, Addition((ENTRY,)))
    assert own == own_catalogue(folder)
    after = load_catalogue(folder)
    assert [model.id for model in after.models] == [*(model.id for model in before.models), "mine"]
    schema = own.parent / json.loads(own.read_text(encoding="utf-8"))["$schema"]
    assert schema.is_file()
    assert own.stat().st_mode & 0o777 == 0o600


def test_an_entry_joins_an_own_list_and_nothing_else_changes(folder: ConfigFolder) -> None:
    own = make_own(folder)
    text = own.read_text(encoding="utf-8").replace('"context": 8192', '"context":   4096')
    own.write_text(text, encoding="utf-8")
    server = {"engine": "sglang", "container": "big", "port": 31000, "image": "i"}
    add_entries(folder, Addition((ENTRY | {"server": "big"},), {"big": server}))
    after = own.read_text(encoding="utf-8")
    added = set(after.splitlines()) - set(text.splitlines())
    assert {line.strip().rstrip(",") for line in added} == {
        '"ollama": {"engine": "ollama", "container": "ollama", "port": 11434, "image": "ollama/ollama"}',
        f'"big": {json.dumps(server)}',
        *(f'"{key}": "{value}"' for key, value in (ENTRY | {"server": "big"}).items()),
    }
    assert load_catalogue(folder).models[-1].id == "mine"


@pytest.mark.parametrize("text", ["{", EMPTY.replace("version", "vision"), ""])
def test_a_broken_list_is_left_as_it_is(folder: ConfigFolder, text: str) -> None:
    own = make_own(folder)
    own.write_text(text)
    with pytest.raises(CatalogueError):
        add_entries(folder, Addition((ENTRY,)))
    assert own.read_text() == text


def test_nothing_is_made_of_an_entry_that_cannot_be(folder: ConfigFolder) -> None:
    with pytest.raises(CatalogueError) as raised:
        add_entries(folder, Addition((ENTRY | {"id": "bge-m3"},)))
    assert raised.value.problem.code == "catalogue-duplicate"
    assert own_catalogue(folder) is None


def test_two_who_add_at_once_both_get_their_entry(folder: ConfigFolder) -> None:
    names = [f"m{number}" for number in range(20)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: add_entries(folder, Addition((ENTRY | {"id": name},))), names))
    assert {model.id for model in load_catalogue(folder).models} >= set(names)


def test_the_shipped_list_counts_again_and_the_own_ones_are_kept(folder: ConfigFolder) -> None:
    before = load_catalogue(folder)
    kept = []
    for text in (EMPTY, EMPTY + "\n"):
        make_own(folder).write_text(text)
        usable_catalogue(folder)
        kept.append(use_shipped(folder))
    assert [each.read_text() for each in kept if each is not None] == [EMPTY, EMPTY + "\n"]
    assert load_catalogue(folder) == before
    assert use_shipped(folder) is None


def test_a_broken_list_gives_way_to_the_last_good_one(folder: ConfigFolder) -> None:
    own = make_own(folder)
    own.write_text(EMPTY)
    assert usable_catalogue(folder) == (load_catalogue(folder), None)
    own.write_text('{\n  "version": 1,,\n}')
    catalogue, problem = usable_catalogue(folder)
    assert catalogue.models == ()
    assert problem is not None
    assert problem.code == "catalogue-syntax"
    assert f"{own}, line 2, column 16:" in Wording("en")(problem.cause)
    assert own.read_text().endswith(",,\n}"), "the person goes on editing it"


def test_without_a_last_good_one_it_is_the_shipped_one(folder: ConfigFolder) -> None:
    before = load_catalogue(folder)
    own = make_own(folder)
    own.write_text("{")
    (own.parent / "models.last.json").write_text("{")
    catalogue, problem = usable_catalogue(folder)
    assert catalogue == before
    assert problem is not None


def test_the_last_good_one_of_a_list_put_aside_does_not_come_back(folder: ConfigFolder) -> None:
    before = load_catalogue(folder)
    make_own(folder).write_text(EMPTY)
    usable_catalogue(folder)
    use_shipped(folder)
    make_own(folder).write_text("{")
    assert usable_catalogue(folder)[0] == before


def test_a_list_that_cannot_be_read_gives_way_too(folder: ConfigFolder) -> None:
    own = folder.made() / "models.json"
    own.mkdir()
    catalogue, problem = usable_catalogue(folder)
    assert len(catalogue.models) == 6
    assert problem is not None
    assert problem.code == "store-unreadable"


def test_where_nothing_can_be_written_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"a file")
    folder = ConfigFolder(tmp_path / "config")
    for call in (make_own, use_shipped, lambda at: add_entries(at, Addition((ENTRY,)))):
        with pytest.raises(StoreError) as raised:
            call(folder)
        assert raised.value.problem.code == "store-unwritable"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"version": 1, "servers": {}}', "models.json, $: "),
        ('{"version": 1, "servers": {"s": {}}, "models": []}', "models.json, $.servers.s (s): "),
        ("{", "models.json, line 1, column 2: "),
    ],
)
def test_a_mistake_is_told_with_its_place(folder: ConfigFolder, text: str, place: str) -> None:
    make_own(folder).write_text(text)
    with pytest.raises(CatalogueError) as raised:
        load_catalogue(folder)
    assert place in Wording("en")(problem_of_catalogue(raised.value.problem).cause)
