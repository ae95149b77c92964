"""From a pasted `docker run` line to an entry of the catalogue, and a server where it needs a new one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

import msgspec

from sparktray.decide.finding.carrying import Carried, carried
from sparktray.decide.finding.docker_line import DockerRun, docker_runs, mount_of
from sparktray.decide.finding.placing import Placed, placed
from sparktray.decide.finding.proposals import catalogue_path, plain_id, unique
from sparktray.decide.finding.serve_line import ServeLine, serve_line
from sparktray.decide.finding.shell_words import RunLineError
from sparktray.domain.catalogue import Catalogue, EngineKind, ModelKind
from sparktray.domain.catalogue_file.reading import read_catalogue
from sparktray.domain.catalogue_file.shape import CatalogueError
from sparktray.domain.catalogue_file.writing import Addition
from sparktray.domain.host import HostProfile, folder_name
from sparktray.domain.phrase import Phrase, phrase
from sparktray.engines.commands import INSIDE
from sparktray.engines.registry import engine

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


class Draft(msgspec.Struct, frozen=True):
    """An entry as it would be written, with the server of its own that it needs, if any.

    ``remarks`` say what is different from the line, what is left out, and what is to be done besides.
    """

    entry: Mapping[str, object]
    server: str
    new_server: Mapping[str, object] = msgspec.field(default_factory=dict)
    remarks: tuple[Phrase, ...] = ()

    @property
    def addition(self) -> Addition:
        """What is to be written for it."""
        servers = {self.server: self.new_server} if self.new_server else {}
        return Addition((self.entry,), servers)


def draft(text: str, catalogue: Catalogue, host: HostProfile, name: str | None = None) -> Draft:
    """The entry that a line stands for; ``name`` is the id it shall have, None for its folder's name.

    Raises `RunLineError` for a text that is not the start of a model, and nothing else.
    """
    run, kind, further = _chosen(docker_runs(text))
    if run.image.open:
        raise _unfinished(run.image.text)
    line = serve_line(run, kind)
    if line is None:
        raise _no_model(run)
    path = _folder(run, line, host)
    place = placed(run, kind, catalogue)
    taken_over = carried(run, line, kind, host, path)
    entry, named = _entry(line, place, taken_over, catalogue_path(host, path), catalogue, name)
    remarks = (*named, *place.remarks, *taken_over.remarks, *_said_of(line, kind, str(entry["id"])))
    if further:
        remarks = (*remarks, phrase("The text starts more than one model; this is the first one."))
    made = Draft(entry, place.server, place.new, remarks)
    _check(made, catalogue)
    return made


def _chosen(runs: Sequence[DockerRun]) -> tuple[DockerRun, EngineKind, bool]:
    """The first that starts an engine, which engine, and whether there are more of that kind."""
    if not runs:
        raise RunLineError(
            "run-line-missing",
            phrase("There is no docker run in this text."),
            phrase("Paste the command that starts the model: docker run … IMAGE …"),
        )
    known = [(run, kind) for run in runs for kind in EngineKind if engine(kind).recognises(run.container)]
    if not known:
        raise RunLineError(
            "run-line-engine",
            phrase("The image {image} starts no engine that sparktray knows.", image=runs[0].image.text),
            phrase("It starts models on SGLang and vLLM; Ollama's are listed by themselves."),
        )
    (run, kind), *further = known
    return run, kind, bool(further)


def _no_model(run: DockerRun) -> RunLineError:
    if engine(EngineKind.OLLAMA).recognises(run.container):
        return RunLineError(
            "run-line-ollama",
            phrase("This line starts Ollama itself, which loads its models when they are asked for."),
            phrase("What it has installed is listed by itself. More of it: ollama pull MODEL"),
        )
    return RunLineError(
        "run-line-no-model",
        phrase("The line does not say which model is to be started."),
        phrase("Paste the whole line, with all that follows the image."),
    )


def _folder(run: DockerRun, line: ServeLine, host: HostProfile) -> str:
    """The model's folder on the host, by the mount in which the command names it."""
    inside = line.model
    if inside is None:
        raise _no_model(run)
    if line.model_is_open:
        raise _unfinished(inside)
    if not inside.startswith("/"):
        raise _not_on_disk(inside, host)
    found = run.container.host_path(inside)
    if found is None:
        raise RunLineError(
            "run-line-no-folder",
            phrase("The line shows no folder of the host as {path}, where the model shall be.", path=inside),
            phrase("Add the folder to the line: -v /FOLDER/ON/THE/HOST:{path}", path=inside),
        )
    mount = mount_of(run, inside)
    if (mount is not None and mount.open) or found.startswith((".", "~")):
        raise _unfinished(found)
    if not found.startswith("/"):
        raise RunLineError(
            "run-line-volume",
            phrase("The model lies in the Docker volume {name}.", name=found.partition("/")[0]),
            phrase("An entry needs a folder of the host. Copy the model into one."),
        )
    return re.sub("/+", "/", found).rstrip("/") or "/"


def _unfinished(path: str) -> RunLineError:
    return RunLineError(
        "run-line-open",
        phrase("Only the shell that the line was written for knows what {path} is.", path=path),
        phrase("Write it out in full, a path from its beginning: /home/USER/models/MODEL"),
    )


def _not_on_disk(name: str, host: HostProfile) -> RunLineError:
    if _HUB_NAME.fullmatch(name) is None:
        return RunLineError(
            "run-line-no-folder",
            phrase("{path} is no absolute path inside the container.", path=name),
            phrase(
                "Write the whole path, and which folder of the host it is: -v /FOLDER:{path}", path=INSIDE
            ),
        )
    folder = f"{host.models_dir.rstrip('/')}/{folder_name(name)}"
    return RunLineError(
        "run-line-hub",
        phrase("{name} is a name on Hugging Face, from where the engine would download it.", name=name),
        phrase(
            "An entry needs a folder of the host. Download it there, then look for models on the host: "
            "hf download {name} --local-dir {folder}",
            name=name,
            folder=folder,
        ),
    )


def _entry(
    line: ServeLine,
    place: Placed,
    taken_over: Carried,
    path: str,
    catalogue: Catalogue,
    name: str | None,
) -> tuple[dict[str, object], list[Phrase]]:
    """The keys of the entry, and what there is to say of its name."""
    own = plain_id(folder_name(path))
    identity = name or unique(own, (model.id for model in catalogue.models))
    twin = next((m for m in catalogue.models if m.path == path and place.server in m.servers), None)
    remarks = []
    if twin is not None:
        remarks.append(phrase("Your list has this model on this server already, as {name}.", name=twin.id))
    entry: dict[str, object] = {"id": identity, "server": place.server, "path": path}
    if line.names:
        entry["served_name"] = line.names[0]
    entry |= {"kind": str(line.kind), "context": line.context}
    if line.parallel > 1:
        entry["parallel"] = line.parallel
    if line.kind is ModelKind.EMBEDDING:
        entry["purpose"] = ["embeddings"]
    if line.args:
        entry["args"] = {str(place.engine): line.args}
    if taken_over.docker_args:
        entry["docker_args"] = list(taken_over.docker_args)
    if taken_over.env:
        entry["env"] = dict(taken_over.env)
    return entry, remarks


def _said_of(line: ServeLine, kind: EngineKind, identity: str) -> list[Phrase]:
    remarks = []
    if not line.names:
        remarks.append(
            phrase("The line sets no served name; clients will see the model ID {name}.", name=identity)
        )
    if len(line.names) > 1:
        rest = list(line.names[1:])
        remarks.append(phrase("Of its served names only the first is kept, not: {names}", names=rest))
    if line.context is None and line.kind is ModelKind.CHAT:
        remarks.append(
            phrase(
                "The line sets no context: the engine takes nearly all memory, and nothing fits beside it. "
                'Put a number of tokens into "context" to change that.'
            )
        )
    if line.script:
        remarks.append(phrase("The line runs a script; of that only the engine's own command is kept."))
    if line.open:
        remarks.append(_left_open(line.open))
    return remarks


def _left_open(flags: Sequence[str]) -> Phrase:
    return phrase(
        "Left out, because only the shell that the line was written for knows what it means: {flags}",
        flags=list(flags),
    )


def _check(made: Draft, catalogue: Catalogue) -> None:
    """The entry as the catalogue's reader would see it, beside the servers there are."""
    servers: dict[str, object] = {
        s.name: {"engine": s.engine, "container": s.container, "port": s.port, "image": s.image}
        for s in catalogue.servers
    }
    if made.new_server:
        servers[made.server] = made.new_server
    whole = {"version": 1, "servers": servers, "models": [made.entry]}
    try:
        read_catalogue(json.dumps(whole).encode(), "docker run")
    except CatalogueError as error:
        told = error.problem
        cause = phrase("{path}: {message}", path=told.path or "$", message=told.message)
        raise RunLineError("run-line-unusable", cause, told.remedy) from None
    if any(model.id == made.entry["id"] for model in catalogue.models):
        raise RunLineError(
            "run-line-name-taken",
            phrase("Your list has an entry {name} already.", name=str(made.entry["id"])),
            phrase("Choose another name."),
        )
