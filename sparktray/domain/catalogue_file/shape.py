"""What `models.json` may hold: its keys, their types, the single values; and how an error says where."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from sparktray.domain.catalogue import EngineKind, ModelKind, Purpose
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.text import has_hidden

LARGEST_CONTEXT = 1_000_000_000  # tokens; a slip such as a pasted date is caught, no model comes near
LARGEST_PARALLEL = 256
SMALLEST_MEMORY, LARGEST_MEMORY = 0.1, 4096  # GiB; a figure typed in MiB or bytes is caught

CONTAINER = "[a-zA-Z0-9][a-zA-Z0-9_.-]+"  # Docker's own rule for container and volume names
SERVER_NAME = "[a-zA-Z0-9][a-zA-Z0-9_.-]*"
ENV_NAME = "[A-Za-z_][A-Za-z0-9_]*"
NO_SPACE = r"\S+"

SECRET_FLAGS = ("--api-key", "--admin-api-key")
OWN_FLAGS = (
    "--port",
    "--host",
    "--served-model-name",
    "--model",
    "--model-path",
    "--name",
    "--rm",
    "-d",
    "--detach",
    "--privileged",
)
_ENV_EXAMPLE = '{"VLLM_API_KEY": {"secret": "vllm"}}'
_DETACHED = re.compile(r"-[itPq]*d[itdPq]*")  # docker takes -d within a cluster of switches: -dit
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_$-]+")
_EXPECTED = re.compile(r"Expected `(.*?)`, got `(.*?)`")
_JSON_WORDS = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_CHOICES: Mapping[str, type[EngineKind | ModelKind | Purpose]] = {
    "engine": EngineKind,
    "kind": ModelKind,
    "purpose": Purpose,
}


class CatalogueProblem(msgspec.Struct, frozen=True):
    """What is wrong and where: `line` and `column` (from 1) for syntax, else `path`, a JSON path.

    `code` is a fixed word for programs. `entry` is the model's id or the server's name when there is one.
    Whatever is quoted from the file is untrusted text.
    """

    code: str
    source: str
    message: Phrase
    remedy: Phrase
    line: int | None = None
    column: int | None = None
    path: str | None = None
    entry: str | None = None


class CatalogueError(ValueError):
    """The catalogue cannot be used; `problem` says why. There is always exactly one."""

    def __init__(self, problem: CatalogueProblem) -> None:
        super().__init__(f"{problem.source}: {problem.path or problem.line}: {problem.code}")
        self.problem = problem


class Place(msgspec.Struct, frozen=True):
    """Where in the file we are, so that every error can say it."""

    source: str
    path: str = "$"
    entry: str | None = None

    def key(self, name: str) -> Place:
        """The place of that key, quoted where a dot would be ambiguous."""
        step = f".{name}" if _PLAIN_KEY.fullmatch(name) else f"[{json.dumps(name)}]"
        return replace(self, path=self.path + step)

    def item(self, index: int) -> Place:
        """The place of that item of a list."""
        return replace(self, path=f"{self.path}[{index}]")

    def of(self, entry: str) -> Place:
        """The same place, known to lie in that model or server."""
        return replace(self, entry=entry)

    def error(self, code: str, message: Phrase, remedy: Phrase) -> CatalogueError:
        """An error at this place, to be raised by the caller."""
        return CatalogueError(
            CatalogueProblem(code, self.source, message, remedy, path=self.path, entry=self.entry)
        )


class FileShape(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The keys of the whole file; a part that is `Any` is converted on its own, to name its place."""

    version: int
    servers: dict[str, Any]
    models: list[Any]
    open_webui: dict[str, Any] = {}
    schema: str = msgspec.field(name="$schema", default="")


class ServerShape(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The keys of one server."""

    engine: EngineKind
    container: str
    port: int
    image: str
    bind: str | None = None
    served_name: str | None = None


class ModelShape(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The keys of one model."""

    id: str
    server: str | list[str]
    path: str | None = None
    served_name: str | None = None
    kind: ModelKind = ModelKind.CHAT
    context: int | None = None
    parallel: int = 1
    purpose: list[Purpose] = []
    note: dict[str, Any] = {}
    args: dict[str, Any] = {}
    docker_args: list[str] = []
    env: dict[str, Any] = {}
    memory_gib: int | float | None = None
    ollama: str | None = None
    start: list[str] | None = None
    stop: list[str] | None = None


class NoteShape(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The languages of a note."""

    en: str = ""
    de: str = ""


class ArgsShape(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The engines that are started with arguments; Ollama is driven by its API."""

    sglang: list[str] = []
    vllm: list[str] = []


class SecretShape(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A value that lies in the keyring."""

    secret: str


class OpenWebUiShape(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The keys of Open WebUI."""

    container: str = "open-webui"
    volume: str = "open-webui"
    port: int = 3000


_Shape = TypeVar("_Shape", bound=msgspec.Struct)


def allowed(names: Iterable[str]) -> Phrase:
    """The remedy that lists what may stand there."""
    return phrase("Allowed: {allowed}", allowed=", ".join(names))


def shaped(value: object, shape: type[_Shape], place: Place) -> _Shape:
    """`value` with exactly the keys and types of `shape`."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        text = str(error)
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    if isinstance(value, dict):
        _check_keys(value, fields, place)
    # msgspec 0.22: "Expected `int`, got `str` - at `$.port`", "Invalid enum value 'x' - at `$.engine`"
    what, _, where = text.rpartition(" - at `$") if " - at `$" in text else (text, "", "")
    where = where.rstrip("`")
    at = replace(place, path=place.path + where)
    if what.startswith("Invalid enum value"):
        choice = _CHOICES[where.removeprefix(".").partition("[")[0]]
        found = what.removeprefix("Invalid enum value ")
        message = phrase("the value {found} is not known", found=found)
        raise at.error("catalogue-choice", message, allowed(choice))
    match = _EXPECTED.match(what)
    expected, found = match.groups() if match else ("?", what)
    message = phrase("the value has the wrong type: {found}", found=_JSON_WORDS.get(found, found))
    words = (_JSON_WORDS.get(word, word) for word in expected.split(" | "))
    raise at.error("catalogue-type", message, allowed(words))


def _check_keys(
    value: Mapping[str, object], fields: Mapping[str, msgspec.structs.FieldInfo], place: Place
) -> None:
    for key in value:
        if key not in fields:
            message = phrase("the key {name} is not known", name=key)
            remedy = allowed(fields)
            if near := get_close_matches(key, fields, n=1):
                names = ", ".join(fields)
                remedy = phrase("Did you mean {near}? Allowed: {allowed}", near=near[0], allowed=names)
            raise place.key(key).error("catalogue-unknown-key", message, remedy)
    needed = [name for name, field in fields.items() if field.required]
    for name in needed:
        if name not in value:
            message = phrase("the key {name} is missing", name=name)
            remedy = phrase("Needed: {needed}", needed=", ".join(needed))
            raise place.error("catalogue-missing-key", message, remedy)


def checked_name(text: str, place: Place, pattern: str | None = None) -> str:
    """A name that is handed to Docker or an engine: never an option, nothing unseen, `pattern` as a whole."""
    code = "catalogue-name"
    if not text.strip():
        raise place.error(code, phrase("the name is empty"), phrase("Write a name."))
    if text.startswith("-"):
        message = phrase("{name} begins with a dash and would be taken for an option", name=text)
        raise place.error(code, message, phrase("Begin with a letter or a digit."))
    checked_visible(text, place)
    if pattern is not None and not re.fullmatch(pattern, text):
        message = phrase("{name} is not a usable name here", name=text)
        raise place.error(code, message, allowed([pattern]))
    return text


def checked_visible(text: str, place: Place) -> str:
    """Text of one line without control characters and bidirectional overrides."""
    if has_hidden(text):
        message = phrase("the text holds a control character or another that cannot be seen")
        raise place.error("catalogue-hidden", message, phrase("Remove it, or retype the text."))
    return text


def checked_number(value: float, low: float, high: float, place: Place) -> None:
    """A number from `low` to `high`; NaN is none."""
    if not low <= value <= high:
        message = phrase("{found} is out of range", found=value)
        raise place.error("catalogue-range", message, phrase("Allowed: {low} to {high}", low=low, high=high))


def checked_address(text: str, place: Place) -> str:
    """An IP address of the host, as `docker run -p` takes it."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        message = phrase("{found} is no IP address", found=text)
        raise place.error("catalogue-address", message, allowed(["127.0.0.1", "…"])) from None


def checked_path(path: str, place: Place) -> str:
    """A model's folder on the host, in a form that `docker run -v` cannot read in any other way."""
    checked_visible(path, place)
    if not path.startswith(("/", "{models}/", "{cache}/")):
        message = phrase("{path} is not an absolute path", path=path)
        raise place.error("catalogue-path", message, allowed(["/…", "{models}/…", "{cache}/…"]))
    if ".." in path.split("/"):
        message = phrase("{path} leads out of its folder by ..", path=path)
        raise place.error("catalogue-path", message, phrase("Write the path without .. in it."))
    if ":" in path:
        message = phrase("{path} holds a colon, which docker run -v takes for a separator", path=path)
        raise place.error("catalogue-path", message, phrase("Rename the folder, or link to it."))
    return path


def checked_flags(arguments: Sequence[str], place: Place) -> tuple[str, ...]:
    """Further arguments for an engine or for docker run, none of which the program sets itself."""
    for index, argument in enumerate(arguments):
        at = place.item(index)
        _refuse_nul(argument, at)
        # vLLM takes underscores for dashes in its options (vLLM 0.33 FlexibleArgumentParser).
        flag = argument.partition("=")[0].replace("_", "-")
        if flag in SECRET_FLAGS:
            raise at.error(
                "catalogue-secret",
                phrase("{flag} would put a key into the catalogue in clear", flag=flag),
                phrase(
                    'Write {example} into "env"; the value then lies in the keyring.', example=_ENV_EXAMPLE
                ),
            )
        if flag in OWN_FLAGS or (place.path.endswith(".docker_args") and _DETACHED.fullmatch(flag)):
            message = phrase("{flag} is set by the program itself", flag=flag)
            remedy = phrase("Remove it. Not allowed here: {flags}", flags=", ".join(OWN_FLAGS))
            raise at.error("catalogue-flag", message, remedy)
    return tuple(arguments)


def checked_command(argv: Sequence[str], place: Place) -> tuple[str, ...]:
    """The argv of a script on the host."""
    if not argv:
        raise place.error(
            "catalogue-command", phrase("the command is empty"), phrase("Name the program to run.")
        )
    checked_name(argv[0], place.item(0))
    for index, argument in enumerate(argv):
        _refuse_nul(argument, place.item(index))
    return tuple(argv)


def _refuse_nul(argument: str, place: Place) -> None:
    """Other control characters reach the remote program intact; a NUL would end the argument."""
    if "\0" in argument:
        message = phrase("the text holds a NUL character")
        raise place.error("catalogue-hidden", message, phrase("Remove it, or retype the text."))
