"""Whatever is pasted ends in an entry or in a problem that is told."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparktray.decide.finding.shell_words import RunLineError
from sparktray.domain.text import clean_name
from tests.pure.decide.building import CATALOGUE, SPARK_IMAGE
from tests.pure.decide.finding.lines import (
    made,
    sglang,
    vllm,
)
from tests.pure.decide.finding.saying import all_said, said
from tests.pure.domain.hostile import ANY_TEXT, HOSTILE

# --- anything ----------------------------------------------------------------------------------------------

WORDS = """
docker run container sudo -d -it --rm -p 30000:30000 -v /a:/model -e HF_TOKEN=x --mount
type=bind,src=/a,dst=/model --name --gpus all --network host lmsysorg/sglang:spark vllm/vllm-openai
ollama/ollama python3 -m sglang.launch_server --model-path /model vllm serve bash -c 'vllm --api-key k = :
; && | ' " $X $(x) ` ~ # -- - X=1 export > {models} --context-length 32k --max-total-tokens 0
--served-model-name --port 99999 \u202e ² --entrypoint --publish [::1]:1:2 --env -e= /:/ .. /model/..
"""
PIECES = st.sampled_from([*WORDS.split(), "\\\n", "\n", "\0", "\ud800", "'vllm serve /model'"])


def never_raises(text: str) -> None:
    problem = None
    try:
        found = made(text, CATALOGUE)
    except RunLineError as error:
        problem = error.problem
    else:
        assert all(all_said(found.remarks))
        json.dumps(found.entry).encode()
    if problem is not None:
        assert said(problem.cause) and said(problem.remedy)


@given(st.lists(PIECES, max_size=40).map(" ".join))
def test_no_line_ends_in_another_error(text: str) -> None:
    never_raises(text)


@given(st.lists(PIECES | ANY_TEXT, max_size=12).map(" ".join))
def test_no_arguments_end_in_another_error(text: str) -> None:
    never_raises(sglang(args=f"--model-path /model {text}"))
    never_raises(vllm(text))
    never_raises(f"docker run {text}")


@given(ANY_TEXT)
def test_no_text_ends_in_another_error(text: str) -> None:
    never_raises(text)


@pytest.mark.parametrize("text", HOSTILE, ids=[clean_name(text)[:12] for text in HOSTILE])
def test_hostile_texts_anywhere(text: str) -> None:
    quoted = "'" + text.replace("'", "'\\''") + "'"
    for each in (
        sglang(f"--name {quoted}"),
        sglang(f"-e A={quoted}"),
        sglang(f"--label {quoted}"),
        sglang(args=f"--model-path /model --served-model-name {quoted}"),
        sglang(args=f"--model-path /model {quoted}"),
        sglang(mount=f"-v /models/{quoted}:/model"),
        sglang().replace(SPARK_IMAGE, quoted),
    ):
        never_raises(each)
