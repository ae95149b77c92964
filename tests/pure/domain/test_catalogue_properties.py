from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from sparktray.domain.catalogue_file.reading import CatalogueError, read_catalogue
from tests.pure.domain.test_catalogue_reading import BAD, Bad, changed, told


def _read(text: bytes) -> None:
    problem = None
    try:
        read_catalogue(text, "models.json")
    except CatalogueError as error:
        problem = error.problem
    if problem is not None:
        assert problem.line is None or problem.path is None
        assert told(problem.message)
        assert told(problem.remedy)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.binary())
def test_no_bytes_end_in_another_error(text: bytes) -> None:
    _read(text)


@given(JSON)
def test_no_json_ends_in_another_error(value: object) -> None:
    _read(json.dumps(value).encode())


@given(st.sampled_from([row.where for row in BAD if row.where]), JSON)
def test_no_value_anywhere_ends_in_another_error(where: tuple[str | int, ...], value: object) -> None:
    _read(json.dumps(changed(Bad(where, value, "", "", None, ""))).encode())
