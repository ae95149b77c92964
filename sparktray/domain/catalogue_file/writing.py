"""Puts servers and models into the text of a `models.json`; every other byte of it stays as it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from sparktray.domain.catalogue_file.reading import read_catalogue

UNIT = "  "  # an indentation where the file shows none of its own
_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder()

Keys = Mapping[str, object]


class Addition(msgspec.Struct, frozen=True):
    """What is to be added, each as the keys it has in the file: models, and servers by name."""

    models: tuple[Keys, ...] = ()
    servers: Mapping[str, Keys] = msgspec.field(default_factory=lambda: MappingProxyType({}))


class _Part(msgspec.Struct, frozen=True):
    """One value of an object or a list: where it begins, with its key if it has one, and where it ends."""

    key: str
    begin: int
    value: int
    end: int


def with_added(text: bytes, source: str, addition: Addition) -> bytes:
    """The file with these at the end of its servers and its models, indented as it is itself.

    Raises `CatalogueError` for a file that is broken already, and for one that the addition would break:
    what is returned has been read as a whole.
    """
    read_catalogue(text, source)
    written = text.decode()
    top = {part.key: part for part in _parts(written, _past_space(written, 0))}
    wanted: tuple[tuple[str, tuple[tuple[str, Keys], ...]], ...] = (
        ("servers", tuple(addition.servers.items())),
        ("models", tuple(("", model) for model in addition.models)),
    )
    inserts = [_insert(written, top[name], items) for name, items in wanted if items]
    for at, piece in sorted(inserts, reverse=True):
        written = written[:at] + piece + written[at:]
    made = written.encode(errors="surrogatepass")  # half a character is refused as such by the reader
    read_catalogue(made, source)
    return made


def entry_text(keys: Keys, indent: str = "", unit: str = UNIT, newline: str = "\n") -> str:
    """A server or model as people write it: a line for each of its keys."""
    lines = (f"{indent}{unit}{json.dumps(key)}: {_value(value)}" for key, value in keys.items())
    return "{" + newline + f",{newline}".join(lines) + newline + indent + "}"


def _value(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _insert(text: str, among: _Part, items: Sequence[tuple[str, Keys]]) -> tuple[int, str]:
    """Where something is to be put into an object or a list, and what."""
    newline = "\r\n" if "\r\n" in text else "\n"
    parts = _parts(text, among.value)
    level = _indent(text, among.begin)
    if parts:
        last = parts[-1]
        own = _indent(text, last.begin)
        if own is None:
            return last.end, "".join(f", {_keyed(key, _value(keys))}" for key, keys in items)
        pieces = _pieces(items, own, _deeper(text, last, own, level), newline, flat=_is_flat(text, last))
        return last.end, "".join(f",{newline}{own}{piece}" for piece in pieces)
    at = among.value + 1
    if level is None:
        return at, ", ".join(_keyed(key, _value(keys)) for key, keys in items)
    unit = level or UNIT  # the file's own: its first level is indented by one
    own = level + unit
    pieces = _pieces(items, own, unit, newline, flat=False)
    body = ",".join(f"{newline}{own}{piece}" for piece in pieces)
    is_open = "\n" in text[at : among.end]
    return at, body if is_open else f"{body}{newline}{level}"


def _pieces(items: Iterable[tuple[str, Keys]], own: str, unit: str, newline: str, *, flat: bool) -> list[str]:
    return [
        _keyed(key, _value(keys) if flat else entry_text(keys, own, unit, newline)) for key, keys in items
    ]


def _keyed(key: str, value: str) -> str:
    return f"{_value(key)}: {value}" if key else value


def _is_flat(text: str, part: _Part) -> bool:
    return "\n" not in text[part.value : part.end]


def _deeper(text: str, last: _Part, own: str, level: str | None) -> str:
    """What the keys of an entry are indented by, beyond the entry: as in the last one, else by a level."""
    inside = _parts(text, last.value)
    first = _indent(text, inside[0].begin) if inside else None
    if first is not None and first.startswith(own) and first != own:
        return first.removeprefix(own)
    return own.removeprefix(level or "") or UNIT


def _indent(text: str, at: int) -> str | None:
    """What stands before that place on its line, None when it is more than blanks."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line if "\n" in text[:at] and not line.strip(_SPACE) else None


def _past_space(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at


def _parts(text: str, opening: int) -> list[_Part]:
    """The values of the object or list that opens there; the text is known to be valid JSON."""
    named = text[opening] == "{"
    found = []
    at = _past_space(text, opening + 1)
    while text[at] not in "]}":
        begin, key = at, ""
        if named:
            key, at = _DECODER.raw_decode(text, at)
            at = _past_space(text, _past_space(text, at) + 1)  # past the colon
        value = at
        _, at = _DECODER.raw_decode(text, at)
        found.append(_Part(key, begin, value, at))
        at = _past_space(text, at)
        if text[at] == ",":
            at = _past_space(text, at + 1)
    return found
