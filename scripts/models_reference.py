"""Write the tables of docs/models.md anew from the JSON schema; what stands above them stays."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.tables import table

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "models.md"
SCHEMA = ROOT / "resources" / "models.schema.json"
_COLUMNS = ("Key", "Type", "", "Meaning")
_GROUPS = (("The file", None), ("A server", "server"), ("A model", "model"), ("Open WebUI", "openWebUi"))


def page() -> str:
    """The whole page."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(f"## {_GROUPS[0][0]}\n")
    lines = [before.rstrip(), ""]
    for title, name in _GROUPS:
        group = schema if name is None else schema["$defs"][name]
        lines += [f"## {title}", "", *table(_COLUMNS, _rows(schema, group)), ""]
    return "\n".join(lines)


def _rows(schema: Mapping[str, Any], group: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    needed = group.get("required", ())
    for key, value in group["properties"].items():
        meaning = value.get("description") or _meant(schema, value).get("description", "")
        note = "needed" if key in needed else ""
        if "default" in value:
            note = f"else `{json.dumps(value['default'])}`".replace('"', "")
        yield f"`{key}`", _type(schema, value), note, meaning


def _meant(schema: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference leads to; the value itself when it is none."""
    if "$ref" not in value:
        return value
    found: Mapping[str, Any] = schema["$defs"][value["$ref"].rpartition("/")[2]]
    return found


def _type(schema: Mapping[str, Any], value: Mapping[str, Any]) -> str:
    """In a reader's words: one of the words that may stand there, else the kinds of JSON."""
    meant = _meant(schema, value)
    for ways in (meant.get("oneOf"), meant.get("anyOf")):
        if ways:
            return " or ".join(dict.fromkeys(_type(schema, each) for each in ways))
    if "enum" in meant:
        return ", ".join(f"`{word}`" for word in meant["enum"])
    if "const" in meant:
        return f"`{meant['const']}`"
    kinds = meant["type"] if isinstance(meant["type"], list) else [meant["type"]]
    names = [str(_KINDS.get(kind, kind)) for kind in kinds]
    if "array" in kinds and "items" in meant:
        return f"list of {_type(schema, meant['items'])}"
    if "minimum" in meant and "maximum" in meant:
        names[0] = f"{names[0]} {meant['minimum']} to {meant['maximum']}"
    return " or ".join(names)


_KINDS = {"string": "text", "integer": "number", "null": "`null`"}


def main() -> int:
    """Rewrite the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
