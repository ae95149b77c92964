"""From the bytes of a `models.json` to a `Catalogue`, or to the first thing that is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sparktray.domain.catalogue import (
    Catalogue,
    EngineKind,
    Model,
    OpenWebUi,
    Secret,
    Server,
)
from sparktray.domain.catalogue_file.shape import (
    CONTAINER,
    ENV_NAME,
    LARGEST_CONTEXT,
    LARGEST_MEMORY,
    LARGEST_PARALLEL,
    NO_SPACE,
    SERVER_NAME,
    SMALLEST_MEMORY,
    ArgsShape,
    CatalogueError,
    CatalogueProblem,
    FileShape,
    ModelShape,
    NoteShape,
    OpenWebUiShape,
    Place,
    SecretShape,
    ServerShape,
    allowed,
    checked_address,
    checked_command,
    checked_flags,
    checked_name,
    checked_number,
    checked_path,
    checked_visible,
    shaped,
)
from sparktray.domain.phrase import phrase

__all__ = ["CatalogueError", "CatalogueProblem", "read_catalogue"]

LARGEST_FILE = 1 << 20  # bytes; 500 entries with notes come to about 300 kB
DEEPEST = 16  # the deepest value of a valid file, $.models[0].args.sglang[0], lies 5 levels down
VERSION = 1


def read_catalogue(text: bytes, source: str) -> Catalogue:
    """Read a whole `models.json`; `source` is how errors name the file.

    Raises `CatalogueError` for the first thing that is wrong, and nothing else. Any thread may call it.
    """
    tree = _parsed(_decoded(text, source), source)
    place = Place(source)
    _survey(tree, place, 0)
    _check_version(tree, place)
    file = shaped(tree, FileShape, place)
    servers = tuple(_server(name, raw, place.key("servers")) for name, raw in file.servers.items())
    webui = _open_webui(file.open_webui, place.key("open_webui"))
    _refuse_shared(servers, webui, place)
    engines = {server.name: server.engine for server in servers}
    models: dict[str, Model] = {}
    for index, raw in enumerate(file.models):
        at = place.key("models").item(index)
        model = _model(raw, at, engines)
        if model.id in models:
            message = phrase("the id {name} is used twice", name=model.id)
            remedy = phrase("Give each model an id of its own.")
            raise at.of(model.id).key("id").error("catalogue-duplicate", message, remedy)
        models[model.id] = model
    return Catalogue(servers=servers, models=tuple(models.values()), open_webui=webui)


# --- bytes to a tree ---------------------------------------------------------------------------------------


class _Object(dict[str, Any]):
    """A JSON object that remembers the first key written twice, which a plain dict would swallow."""

    repeated: str | None = None


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object()
    for key, value in pairs:
        if key in made and made.repeated is None:
            made.repeated = key
        made[key] = value
    return made


def _decoded(text: bytes, source: str) -> str:
    """The file as text, or what its encoding is instead of UTF-8."""
    if len(text) > LARGEST_FILE:
        message = phrase(
            "the file has {size} bytes; at most {limit} are read", size=len(text), limit=LARGEST_FILE
        )
        remedy = phrase("Check that this is the right file, and remove what is not needed.")
        raise CatalogueError(CatalogueProblem("catalogue-too-large", source, message, remedy))
    try:
        if text.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
            message, offset = phrase("the file begins with a byte order mark"), 0
        elif (offset := text.find(0)) >= 0:
            message = phrase("the file holds a NUL byte; it may be saved as UTF-16")
        else:
            return text.decode()
    except UnicodeDecodeError as error:
        message, offset = phrase("the file is not UTF-8 here"), error.start
    line_begin = text.rfind(b"\n", 0, offset) + 1
    # Columns count characters, as editors do; what comes before a NUL need not be UTF-8.
    column = len(text[line_begin:offset].decode(errors="replace")) + 1
    line = text.count(b"\n", 0, offset) + 1
    remedy = phrase("Save the file as UTF-8 without a byte order mark.")
    raise CatalogueError(CatalogueProblem("catalogue-encoding", source, message, remedy, line, column))


def _parsed(text: str, source: str) -> Any:
    code = "catalogue-syntax"
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        message = phrase("this is not valid JSON: {detail}", detail=error.msg)
        if not text.strip():
            message = phrase("the file is empty")
        remedy = phrase(
            "Look there for a comma, quote or bracket that is missing or too many; JSON knows no comments."
        )
        problem = CatalogueProblem(code, source, message, remedy, error.lineno, error.colno)
        raise CatalogueError(problem) from None
    except RecursionError:
        raise _too_deep(Place(source)) from None
    except ValueError:  # Python reads no integer of more than 4,300 digits
        message = phrase("a number in the file has too many digits")
        problem = CatalogueProblem(code, source, message, phrase("Correct the number."))
        raise CatalogueError(problem) from None


def _too_deep(place: Place) -> CatalogueError:
    message = phrase("brackets are nested more than {limit} deep", limit=DEEPEST)
    remedy = phrase("Compare the file with the one that comes with the program.")
    return place.error("catalogue-too-deep", message, remedy)


def _survey(value: object, place: Place, depth: int) -> None:
    """What no shape can tell: nesting, keys written twice, halves of characters (`"\\ud800"`)."""
    if depth > DEEPEST:
        raise _too_deep(place)
    if isinstance(value, _Object):
        for name, part in value.items():
            _survey(name, place.key(name), depth)
            _survey(part, place.key(name), depth + 1)
        if value.repeated is not None:
            message = phrase("the key {name} is written twice", name=value.repeated)
            remedy = phrase("Rename or remove one of the two.")
            raise place.key(value.repeated).error("catalogue-duplicate", message, remedy)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            _survey(part, place.item(index), depth + 1)
    elif isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        message = phrase("the text holds half a character (a lone surrogate)")
        raise place.error("catalogue-hidden", message, phrase("Remove it, or retype the text."))


# --- a tree to shapes --------------------------------------------------------------------------------------


def _check_version(tree: object, place: Place) -> None:
    """Before all else: a later version may well have keys that this one does not know."""
    version = tree.get("version") if isinstance(tree, dict) else None
    if type(version) is int and version != VERSION:
        message = phrase("version {found} of the catalogue is not known", found=version)
        raise place.key("version").error("catalogue-version", message, allowed([str(VERSION)]))


# --- shapes to values --------------------------------------------------------------------------------------


def _server(name: str, raw: object, place: Place) -> Server:
    at = place.key(name).of(name)
    checked_name(name, at, SERVER_NAME)
    shape = shaped(raw, ServerShape, at)
    checked_number(shape.port, 1, 65535, at.key("port"))
    return Server(
        name=name,
        engine=shape.engine,
        container=checked_name(shape.container, at.key("container"), CONTAINER),
        port=shape.port,
        image=checked_name(shape.image, at.key("image"), NO_SPACE),
        bind=None if shape.bind is None else checked_address(shape.bind, at.key("bind")),
        served_name=_constant_name(shape, at.key("served_name")),
    )


def _constant_name(shape: ServerShape, at: Place) -> str | None:
    if shape.served_name is None:
        return None
    if shape.engine is EngineKind.OLLAMA:
        message = phrase("Ollama serves each model under its own name")
        raise at.error("catalogue-name", message, phrase("Remove the key."))
    return checked_name(shape.served_name, at, NO_SPACE)


def _open_webui(raw: object, place: Place) -> OpenWebUi:
    shape = shaped(raw, OpenWebUiShape, place)
    checked_number(shape.port, 1, 65535, place.key("port"))
    return OpenWebUi(
        container=checked_name(shape.container, place.key("container"), CONTAINER),
        volume=checked_name(shape.volume, place.key("volume"), CONTAINER),
        port=shape.port,
    )


def _refuse_shared(servers: Sequence[Server], webui: OpenWebUi, place: Place) -> None:
    """Two servers in one container or on one port could never be told apart."""
    taken: dict[str | int, str] = {webui.container: "open_webui", webui.port: "open_webui"}
    for server in servers:
        at = place.key("servers").key(server.name).of(server.name)
        for key, value in (("container", server.container), ("port", server.port)):
            if value in taken:
                message = phrase("{value} is already used by {other}", value=value, other=taken[value])
                remedy = phrase("Give each server a container and a port of its own.")
                raise at.key(key).error("catalogue-duplicate", message, remedy)
            taken[value] = server.name


def _model(raw: object, place: Place, engines: Mapping[str, EngineKind]) -> Model:
    claimed = raw.get("id") if isinstance(raw, dict) else None
    at = place.of(claimed) if isinstance(claimed, str) else place
    shape = shaped(raw, ModelShape, at)
    checked_name(shape.id, at.key("id"))
    if shape.served_name is not None:
        checked_name(shape.served_name, at.key("served_name"))
    if shape.ollama is not None:
        checked_name(shape.ollama, at.key("ollama"), NO_SPACE)
    if shape.path is not None:
        checked_path(shape.path, at.key("path"))
    if shape.context is not None:
        checked_number(shape.context, 1, LARGEST_CONTEXT, at.key("context"))
    checked_number(shape.parallel, 1, LARGEST_PARALLEL, at.key("parallel"))
    if shape.memory_gib is not None:
        checked_number(shape.memory_gib, SMALLEST_MEMORY, LARGEST_MEMORY, at.key("memory_gib"))
    start, stop = _scripts(shape, at)
    note = shaped(shape.note, NoteShape, at.key("note"))
    notes = {language: text for language, text in (("en", note.en), ("de", note.de)) if text}
    for language, text in notes.items():
        checked_visible(text, at.key("note").key(language))
    return Model(
        id=shape.id,
        servers=_servers_of(shape, at, engines),
        path=shape.path,
        served_name=shape.served_name,
        kind=shape.kind,
        context=shape.context,
        parallel=shape.parallel,
        purposes=tuple(shape.purpose),
        note=MappingProxyType(notes),
        args=_args(shape.args, at.key("args")),
        docker_args=checked_flags(shape.docker_args, at.key("docker_args")),
        env=MappingProxyType({name: _env(name, value, at.key("env")) for name, value in shape.env.items()}),
        memory_gib=shape.memory_gib,
        ollama=shape.ollama,
        start=start,
        stop=stop,
    )


def _servers_of(shape: ModelShape, at: Place, engines: Mapping[str, EngineKind]) -> tuple[str, ...]:
    written = at.key("server")
    names = [shape.server] if isinstance(shape.server, str) else shape.server
    if not names:
        raise written.error("catalogue-server", phrase("no server is named"), allowed(engines))
    for index, name in enumerate(names):
        here = written if isinstance(shape.server, str) else written.item(index)
        if name not in engines:
            message = phrase("the server {name} is not known", name=name)
            raise here.error("catalogue-server", message, allowed(engines))
        if name in names[:index]:
            message = phrase("the server {name} is named twice", name=name)
            raise here.error("catalogue-duplicate", message, phrase("Remove one of the two."))
        if engines[name] is EngineKind.OLLAMA:
            if shape.ollama is None:
                message = phrase("{name} is an Ollama server, but the model has no Ollama name", name=name)
                remedy = phrase('Add "ollama" with the name there, or remove the server.')
                raise here.error("catalogue-server", message, remedy)
        elif shape.path is None and shape.start is None:
            message = phrase("{name} cannot start the model: it has no folder and no scripts", name=name)
            remedy = phrase('Add "path", or "start" and "stop".')
            raise here.error("catalogue-server", message, remedy)
    return tuple(names)


def _scripts(shape: ModelShape, at: Place) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    match shape.start, shape.stop:
        case None, None:
            return None, None
        case list(start), list(stop):
            return checked_command(start, at.key("start")), checked_command(stop, at.key("stop"))
        case _:
            message = phrase('"start" and "stop" come together; one of them is missing')
            raise at.error("catalogue-command", message, phrase("Add the missing one, or remove the other."))


def _args(raw: object, at: Place) -> Mapping[EngineKind, tuple[str, ...]]:
    shape = shaped(raw, ArgsShape, at)
    written = {EngineKind.SGLANG: shape.sglang, EngineKind.VLLM: shape.vllm}
    return MappingProxyType(
        {engine: checked_flags(flags, at.key(engine)) for engine, flags in written.items() if flags}
    )


def _env(name: str, value: object, place: Place) -> str | Secret:
    at = place.key(name)
    checked_name(name, at, ENV_NAME)
    if isinstance(value, str):
        return checked_visible(value, at)
    secret = shaped(value, SecretShape, at).secret
    return Secret(name=checked_name(secret, at.key("secret")))
