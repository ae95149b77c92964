"""The Docker Engine API of the demo, as far as `sparktray.remote.docker` asks it."""

from __future__ import annotations

import re
from collections.abc import Callable

from sparktray.demo.docker.container import Image, Json, stamp
from sparktray.demo.docker.engine import Engine, Refused, Volume
from sparktray.demo.serving import Answer, Handler, Request, as_json

_VERSION = re.compile(r"/v1\.\d+(?=/)")
_RAW = "application/vnd.docker.multiplexed-stream"
_LINES = "application/json"
_Route = Callable[[Engine, Request, str], Answer]


def api(engine: Engine) -> Handler:
    """What answers requests to this engine's socket."""

    def answer(request: Request) -> Answer:
        path = _VERSION.sub("", request.path)
        try:
            for method, pattern, route in _ROUTES:
                found = pattern.fullmatch(path)
                if found is not None and method == request.method:
                    return route(engine, request, next(iter(found.groups()), ""))
        except Refused as refused:
            return as_json({"message": refused.message}, refused.status)
        return as_json({"message": "page not found"}, 404)

    return answer


def _containers(engine: Engine, request: Request, _: str) -> Answer:
    return as_json(engine.listed(stopped=request.query.get("all", "") in {"1", "true"}))


def _inspect(engine: Engine, _: Request, name: str) -> Answer:
    return as_json(engine.inspect(name))


def _create(engine: Engine, request: Request, _: str) -> Answer:
    made = engine.create(request.query.get("name", ""), request.json())
    return as_json({"Id": made.id, "Warnings": []}, 201)


def _logs(engine: Engine, request: Request, name: str) -> Answer:
    found = engine.find(name)
    asked = request.query.get("tail", "all")
    tail = int(asked) if asked.isdecimal() else None
    since = float(request.query.get("since") or 0)
    if request.query.get("follow") not in {"1", "true"}:
        return Answer(body=found.log.frames(tail, since), kind=_RAW)
    return Answer(stream=found.log.follow(tail, since, going_on=found.lives), kind=_RAW)


def _events(engine: Engine, request: Request, _: str) -> Answer:
    since = request.query.get("since")
    return Answer(stream=engine.events(None if since is None else float(since)), kind=_LINES)


def _info(engine: Engine, _: Request, __: str) -> Answer:
    return as_json(engine.info())


def _image(engine: Engine, _: Request, name: str) -> Answer:
    return as_json(_of_image(engine.image(name)))


def _images(engine: Engine, _: Request, __: str) -> Answer:
    return as_json([_of_image(image) for image in engine.images.values()])


def _volumes(engine: Engine, _: Request, __: str) -> Answer:
    return as_json({"Volumes": [_of_volume(each) for each in engine.volumes.values()], "Warnings": None})


def _of_image(image: Image) -> Json:
    return {
        "Id": image.id,
        "RepoTags": [image.tag],
        "Size": image.size,
        "Architecture": "arm64",
        "Os": "linux",
        "Config": {"Entrypoint": list(image.entrypoint) or None, "Cmd": list(image.command) or None},
    }


def _of_volume(volume: Volume) -> Json:
    return {
        "Name": volume.name,
        "Driver": "local",
        "Mountpoint": f"/var/lib/docker/volumes/{volume.name}/_data",
        "CreatedAt": stamp(volume.created),
        "Labels": dict(volume.labels) or None,
        "Scope": "local",
        "Options": None,
    }


_ROUTES: tuple[tuple[str, re.Pattern[str], _Route], ...] = (
    ("GET", re.compile(r"/containers/json"), _containers),
    ("GET", re.compile(r"/containers/([^/]+)/json"), _inspect),
    ("GET", re.compile(r"/containers/([^/]+)/logs"), _logs),
    ("POST", re.compile(r"/containers/create"), _create),
    ("GET", re.compile(r"/images/json"), _images),
    ("GET", re.compile(r"/images/(.+)/json"), _image),
    ("GET", re.compile(r"/volumes"), _volumes),
    ("GET", re.compile(r"/events"), _events),
    ("GET", re.compile(r"/info"), _info),
)
