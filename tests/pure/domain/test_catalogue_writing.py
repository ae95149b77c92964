"""Entries put into the text of a models.json: its own indentation, and every other byte as it was."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparktray.domain.catalogue_file.reading import CatalogueError, read_catalogue
from sparktray.domain.catalogue_file.writing import Addition, entry_text, with_added

NEW = {"id": "new", "server": "s", "path": "{models}/neu", "context": None}
SERVER = {"engine": "sglang", "container": "tt", "port": 31000, "image": "i"}
S = {"engine": "sglang", "container": "ss", "port": 30000, "image": "i"}
OLD = {"id": "old", "server": "s", "path": "/m/old"}


def added(text: str, *models: dict[str, Any], **servers: dict[str, Any]) -> str:
    return with_added(text.encode(), "models.json", Addition(models, servers)).decode()


def spread(indent: int | str, newline: str = "\n", **parts: Any) -> str:
    """The usual file, spread over lines."""
    whole = {"version": 1, "servers": {"s": S}, "models": [OLD]} | parts
    return json.dumps(whole, indent=indent).replace("\n", newline) + newline


@pytest.mark.parametrize("indent", [2, 4, "\t", 1])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_it_is_indented_as_the_file_is(indent: int | str, newline: str) -> None:
    after = added(spread(indent, newline), NEW, t=SERVER)
    assert after == spread(indent, newline, servers={"s": S, "t": SERVER}, models=[OLD, NEW])


# <S>, <OLD> and <NEW> stand for what they are in one line, <KEYS> for the keys of NEW with a line for each.
SHAPES = {
    "one line": (
        '{"version":1,"servers":{"s":<S>},"models":[<OLD>] }',
        '{"version":1,"servers":{"s":<S>},"models":[<OLD>, <NEW>] }',
    ),
    "one line without a model": (
        '{"version": 1, "servers": {"s": <S>}, "models": []}',
        '{"version": 1, "servers": {"s": <S>}, "models": [<NEW>]}',
    ),
    "no model": (
        '{|   "version": 1,|   "models": [],|   "servers": {"s": <S>}}',
        '{|   "version": 1,|   "models": [|      {<KEYS         >|      }|   ],|   "servers": {"s": <S>}}',
    ),
    "no model and no indentation": (
        '{|"version": 1,|"models": [|],|"servers": {"s": <S>}|}',
        '{|"version": 1,|"models": [|  {<KEYS    >|  }|],|"servers": {"s": <S>}|}',
    ),
    "each model on a line": (
        '{|  "version": 1,|  "servers": {"s": <S>},|  "models": [|    <OLD>|  ]|}|',
        '{|  "version": 1,|  "servers": {"s": <S>},|  "models": [|    <OLD>,|    <NEW>|  ]|}|',
    ),
    "a shape of its own": (
        '{|"servers": {"s": <S>},| "models": [|  {"id": "old",| "server": "s", "path": "/"}|],|"version": 1}',
        '{|"servers": {"s": <S>},| "models": [|  {"id": "old",| "server": "s", "path": "/"},|  {'
        '<KEYS   >|  }|],|"version": 1}',
    ),
    "on the line of the bracket": (
        '{|  "version": 1,|  "servers": {"s": <S>},|  "models": [ <OLD>|  ]|}|',
        '{|  "version": 1,|  "servers": {"s": <S>},|  "models": [ <OLD>, <NEW>|  ]|}|',
    ),
    "all at the left": (
        '{|"version": 1,|"servers": {"s": <S>},|"models": [|{|"id": "old", "server": "s", "path": "/m"|}|]|}',
        '{|"version": 1,|"servers": {"s": <S>},|"models": [|{|"id": "old", "server": "s", "path": "/m"|},|{'
        "<KEYS  >|}|]|}",
    ),
}


def filled(shape: str) -> str:
    for name, value in (("<S>", S), ("<OLD>", OLD), ("<NEW>", NEW)):
        shape = shape.replace(name, json.dumps(value))

    def keys(found: re.Match[str]) -> str:
        return ",".join(f"|{found[1]}{json.dumps(key)}: {json.dumps(value)}" for key, value in NEW.items())

    return re.sub("<KEYS( *)>", keys, shape).replace("|", "\n")


@pytest.mark.parametrize(("before", "after"), SHAPES.values(), ids=list(SHAPES))
def test_other_shapes(before: str, after: str) -> None:
    assert added(filled(before), NEW) == filled(after)


def test_a_list_stays_on_its_line() -> None:
    assert '\n      "server": ["s"],\n' in added(spread(2), NEW | {"server": ["s"]})


def test_a_server_alone_and_several_models() -> None:
    before = spread(2)
    assert added(before) == before
    assert [s.name for s in read_catalogue(added(before, t=SERVER).encode(), "m").servers] == ["s", "t"]
    both = read_catalogue(added(before, NEW, NEW | {"id": "newer", "server": "t"}, t=SERVER).encode(), "m")
    assert [model.id for model in both.models] == ["old", "new", "newer"]


@pytest.mark.parametrize("text", ["", "{", "[]", "\ufeff{}", '{"version": 1}', '{"version": 2}'])
def test_a_broken_file_is_refused(text: str) -> None:
    with pytest.raises(CatalogueError):
        added(text, NEW)


@pytest.mark.parametrize(
    "model",
    [
        NEW | {"id": "old"},
        NEW | {"server": "nobody"},
        NEW | {"path": "relative"},
        NEW | {"path": "/half\ud800"},
        NEW | {"colour": "red"},
    ],
)
def test_what_the_file_could_not_hold_is_refused(model: dict[str, Any]) -> None:
    with pytest.raises(CatalogueError):
        added(spread(2), model)


def test_an_entry_for_people() -> None:
    assert entry_text({"id": "größe", "n": [1, 2]}) == '{\n  "id": "größe",\n  "n": [1, 2]\n}'


@given(
    st.sampled_from(["", " ", "\n", "\r\n  ", "\t", "\n\n    "]),
    st.sampled_from(["", " ", "\n    "]),
    st.booleans(),
)
def test_whatever_blanks_there_are_the_rest_stays(space: str, inner: str, empty: bool) -> None:
    models = "" if empty else json.dumps(OLD).replace("{", "{" + space)
    before = (
        f'{space}{{{space}"version"{inner}:{inner}1,{space}"models"{inner}:{space}[{inner}{models}{inner}]'
        f',{space}"servers":{{{inner}"s":{json.dumps(S)}{inner}}}{space}}}{space}'
    )
    after = added(before, NEW, t=SERVER)
    read = read_catalogue(after.encode(), "m")
    assert [model.id for model in read.models] == (["new"] if empty else ["old", "new"])
    rest = iter(after)
    assert all(character in rest for character in before), "a subsequence of it"
