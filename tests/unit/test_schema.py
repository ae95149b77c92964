from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from sparktray.domain.catalogue import EngineKind, ModelKind, Purpose
from sparktray.domain.catalogue_file import shape
from sparktray.store.shipped import shipped
from tests.pure.domain.test_catalogue_reading import BAD, GOOD, Bad, changed, title

SCHEMA: dict[str, Any] = json.loads(shipped("resources/models.schema.json").read_bytes())
VALIDATOR = Draft202012Validator(SCHEMA)
DEFS = SCHEMA["$defs"]
MODEL = DEFS["model"]["properties"]


def test_the_schema_itself_is_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_what_is_shipped_and_what_the_reader_takes_validates() -> None:
    VALIDATOR.validate(json.loads(shipped("models.json").read_bytes()))
    VALIDATOR.validate(GOOD)


@pytest.mark.parametrize("row", [row for row in BAD if row.schema], ids=title)
def test_the_schema_refuses_what_the_reader_refuses(row: Bad) -> None:
    assert not VALIDATOR.is_valid(changed(row))


@pytest.mark.parametrize(
    ("part", "read_as"),
    [
        (SCHEMA, shape.FileShape),
        (DEFS["server"], shape.ServerShape),
        (DEFS["model"], shape.ModelShape),
        (MODEL["note"], shape.NoteShape),
        (MODEL["args"], shape.ArgsShape),
        (DEFS["secret"], shape.SecretShape),
        (DEFS["openWebUi"], shape.OpenWebUiShape),
    ],
)
def test_schema_and_reader_know_the_same_keys(part: dict[str, Any], read_as: type[msgspec.Struct]) -> None:
    fields = msgspec.structs.fields(read_as)
    assert part["additionalProperties"] is False
    assert set(part["properties"]) == {field.encode_name for field in fields}
    assert set(part.get("required", [])) == {field.encode_name for field in fields if field.required}
    for field in fields:
        written = part["properties"][field.encode_name]
        if "default" in written:
            assert written["default"] == field.default


@pytest.mark.parametrize(
    ("part", "values"),
    [
        (DEFS["server"]["properties"]["engine"], EngineKind),
        (MODEL["kind"], ModelKind),
        (MODEL["purpose"]["items"], Purpose),
    ],
)
def test_schema_and_reader_know_the_same_values(part: dict[str, Any], values: type[StrEnum]) -> None:
    assert part["enum"] == list(values)


def test_schema_and_reader_have_the_same_bounds_and_names() -> None:
    assert (MODEL["context"]["minimum"], MODEL["context"]["maximum"]) == (1, shape.LARGEST_CONTEXT)
    assert (MODEL["parallel"]["minimum"], MODEL["parallel"]["maximum"]) == (1, shape.LARGEST_PARALLEL)
    memory = MODEL["memory_gib"]
    assert (memory["minimum"], memory["maximum"]) == (shape.SMALLEST_MEMORY, shape.LARGEST_MEMORY)
    assert (DEFS["port"]["minimum"], DEFS["port"]["maximum"]) == (1, 65535)
    assert DEFS["dockerName"]["pattern"] == f"^{shape.CONTAINER}$"
    assert DEFS["serverName"]["pattern"] == f"^{shape.SERVER_NAME}$"
    assert MODEL["env"]["propertyNames"]["pattern"] == f"^{shape.ENV_NAME}$"


def test_every_key_is_described_for_editors() -> None:
    for part in (
        DEFS["server"],
        DEFS["model"],
        MODEL["note"],
        MODEL["args"],
        DEFS["secret"],
        DEFS["openWebUi"],
    ):
        for key, written in part["properties"].items():
            assert written.get("description"), key
