"""Lines that start models, and what is made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from sparktray.decide.finding.from_run import Draft, draft
from sparktray.decide.finding.shell_words import RunLineError
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.catalogue_file.reading import read_catalogue
from sparktray.domain.catalogue_file.writing import with_added
from sparktray.engines.protocol import Launch
from sparktray.engines.registry import engine
from tests.pure.decide.building import CATALOGUE, HOST, SPARK_IMAGE, VLLM_IMAGE
from tests.pure.decide.finding.saying import all_said, said

EMPTY = Catalogue(servers=CATALOGUE.servers)
# The user's own page, word for word.
PAGE = """\
docker rm -f sglang >/dev/null 2>&1 || true
docker run --rm --name sglang --gpus all \\
  -p 30000:30000 \\
  -v /home/sparkuser/ai/models/llama4/llama4-scout-17b-nvfp4:/model \\
  -v /home/sparkuser/ai/cache/sglang:/root/.cache \\
  lmsysorg/sglang:spark \\
  python3 -m sglang.launch_server \\
    --model-path /model \\
    --served-model-name llama4-scout-17b-nvfp4 \\
    --host 0.0.0.0 \\
    --port 30000 \\
    --trust-remote-code \\
    --tp 1
"""
MOUNT = "-v /home/sparkuser/ai/models/m:/model"


def sglang(options: str = "", args: str = "--model-path /model", *, mount: str = MOUNT) -> str:
    before = f"docker run --name sglang -p 30000:30000 {mount} {options}"
    return f"{before} {SPARK_IMAGE} python3 -m sglang.launch_server {args}"


def vllm(
    options: str = "", args: str = "/model", *, image: str = VLLM_IMAGE, start: str = "vllm serve"
) -> str:
    return f"docker run --name vllm -p 8000:8000 {MOUNT} {options} {image} {start} {args}"


def made(text: str, catalogue: Catalogue = EMPTY, name: str | None = None) -> Draft:
    return draft(text, catalogue, HOST, name)


def entry(text: str) -> Mapping[str, Any]:
    return made(text).entry


def remarks(text: str) -> str:
    return "\n".join(all_said(made(text).remarks))


def refused(text: str, catalogue: Catalogue = EMPTY, name: str | None = None) -> tuple[str, str]:
    with pytest.raises(RunLineError) as raised:
        made(text, catalogue, name)
    problem = raised.value.problem
    assert said(problem.cause) and said(problem.remedy)
    return problem.code, f"{said(problem.cause)} {said(problem.remedy)}"


def planned(text: str) -> tuple[str, ...]:
    """The docker run that a switch to the entry would plan."""
    found = made(text)
    whole = {
        "version": 1,
        "servers": {
            s.name: {"engine": s.engine, "container": s.container, "port": s.port, "image": s.image}
            for s in EMPTY.servers
        },
        "models": [],
    }
    read = read_catalogue(with_added(json.dumps(whole).encode(), "m", found.addition), "m")
    server = read.server(found.server)
    assert server is not None
    return engine(server.engine).run_argv(Launch(server, read.models[0], HOST))
