"""An engine's own command line, as somebody else wrote it, in terms of the catalogue's keys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sparktray.decide.finding.docker_line import DockerRun
from sparktray.domain.catalogue import EngineKind, ModelKind
from sparktray.domain.catalogue_file.shape import LARGEST_PARALLEL
from sparktray.engines.commands import base_name, repository, words_of
from sparktray.engines.protocol import Spelling
from sparktray.engines.registry import engine

# What services hand out: Hugging Face, OpenAI, NVIDIA, GitHub, Slack.
KEY_VALUE = re.compile(r"(?<![A-Za-z0-9])(?:hf_|sk-|nvapi-|ghp_|github_pat_|xox[bp]-)[\w-]{8,}")

_OPERATORS = frozenset({"&&", "||", "|", ";", "&"})
_PROGRAMS = frozenset(
    {"python", "python3", "-m", "exec", "bash", "sh", "-c", "-lc", "-ec", "nvidia_entrypoint.sh"}
)
_PLACE = frozenset({"--host", "--port"})
_SERVED_NAME = "--served-model-name"
# Values that are keys, with the variable that takes each instead; None: there is none.
_KEYS = {"--api-key": None, "--admin-api-key": None, "--hf-token": "HF_TOKEN"}
_THOUSANDS = {"k": 1000, "K": 1024, "m": 1_000_000, "M": 1 << 20}


@dataclass(slots=True)
class ServeLine:
    """What a command line asks of an engine. ``names`` are all its served names, the first one first.

    ``args`` are left for the catalogue, in their order. ``keys`` are flags whose values were keys, each
    with the variable that can take it. ``open`` are flags that need a shell elsewhere. ``script``: a script
    does more than to start the engine.
    """

    model: str | None = None
    model_is_open: bool = False
    names: tuple[str, ...] = ()
    context: int | None = None
    parallel: int = 1
    kind: ModelKind = ModelKind.CHAT
    args: list[str] = field(default_factory=list)
    keys: list[tuple[str, str | None]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    script: bool = False


def serve_line(run: DockerRun, kind: EngineKind) -> ServeLine | None:
    """Read the command of a `docker run`; None when it does not start that engine's server."""
    spelling = engine(kind).spelling
    container = run.container
    words = words_of(container)
    begin = _begin(words, spelling, container.image)
    if begin is None:
        return None
    end = next((n for n in range(begin, len(words)) if _closes(words[n])), len(words))
    last = [word.removesuffix(";") for word in words[end : end + 1] if word not in _OPERATORS]
    own = [*words[begin:end], *last]
    more = [word for word in words[:begin] if not _is_program(word, spelling)] + list(words[end + 1 :])
    found = ServeLine(script=bool(more))
    undone = {word.text for word in run.command if word.open}
    from_script = words != container.argv

    def is_open(word: str) -> bool:
        """In a script of a shell inside, a dollar sign is that shell's."""
        return word in undone or (from_script and any(sign in word for sign in "$`"))

    tokens: int | None = None
    for group in _groups(own, spelling):
        tokens = _take(found, group, kind, undone=any(map(is_open, group))) or tokens
    _share(found, tokens, spelling)
    return found


def _begin(words: Sequence[str], spelling: Spelling, image: str) -> int | None:
    for at in range(len(words)):
        for start in spelling.starts:
            if tuple(base_name(word) for word in words[at : at + len(start)]) == start:
                return at + len(start)
    bare = spelling.bare_image is not None and repository(image).endswith(spelling.bare_image)
    return 0 if bare else None


def _closes(word: str) -> bool:
    """A shell's operator, alone or a semicolon at the end of a word."""
    return word in _OPERATORS or word.endswith(";")


def _is_program(word: str, spelling: Spelling) -> bool:
    return base_name(word) in _PROGRAMS or any(base_name(word) in start for start in spelling.starts)


def _groups(words: Sequence[str], spelling: Spelling) -> Iterator[list[str]]:
    """Each flag with the words that follow it; first the model, where it stands alone."""
    group: list[str] = []
    if words and spelling.positional and not words[0].startswith("-"):
        yield [spelling.model[0], words[0]]
        words = words[1:]
    for word in words:
        if group and _is_flag(word):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _is_flag(word: str) -> bool:
    """`--tp` or `-tp`; `-1` is a value."""
    return word.startswith("--") or (word.startswith("-") and word[1:2].isalpha())


def _take(found: ServeLine, group: list[str], kind: EngineKind, *, undone: bool) -> int | None:
    """File one flag with its values; the tokens of all requests if it says that."""
    spelling = engine(kind).spelling
    written, equals, attached = group[0].partition("=")
    flag = written.replace("_", "-")  # vLLM takes underscores for dashes in its options
    values = [attached, *group[1:]] if equals else group[1:]
    if flag in spelling.model:
        found.model, found.model_is_open = next(iter(values), None), undone
    elif flag in _KEYS:
        found.keys.append((flag, _KEYS[flag] or _key_variable(flag, kind)))
    elif any(map(KEY_VALUE.search, values)):
        found.keys.append((flag, None))
    elif flag in _PLACE:
        pass  # the entry's server says that
    elif undone:
        found.open.append(flag)
    elif flag == _SERVED_NAME:
        found.names = tuple(values)
    elif flag in spelling.context and (size := _number(values)) is not None:
        found.context = size
    elif flag in spelling.tokens and (size := _number(values)) is not None:
        return size
    else:
        if _embeds(flag, values, spelling):
            found.kind = ModelKind.EMBEDDING
        found.args += group
    return None


def _key_variable(flag: str, kind: EngineKind) -> str | None:
    return engine(kind).key_variable if flag == "--api-key" else None


def _embeds(flag: str, values: Sequence[str], spelling: Spelling) -> bool:
    return not spelling.embedding.isdisjoint({flag, f"{flag} {values[0]}" if values else flag})


def _number(values: Sequence[str]) -> int | None:
    """A count of tokens, also as 32k (vLLM's human_readable_int: k is 1000, K is 1024)."""
    text = values[0] if len(values) == 1 else ""
    digits, factor = (text[:-1], _THOUSANDS[text[-1]]) if text[-1:] in _THOUSANDS else (text, 1)
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 9 and int(digits)):
        return None
    return int(digits) * factor


def _share(found: ServeLine, tokens: int | None, spelling: Spelling) -> None:
    """Tokens of all requests together: so many requests of full length, where that comes out even."""
    if tokens is None:
        return
    if found.context is not None and tokens % found.context == 0:
        count = tokens // found.context
        if count <= LARGEST_PARALLEL:
            found.parallel = count
            return
    found.args += [spelling.tokens[0], str(tokens)]
