"""Write docs/failures.md: each text by which a failure is known, what the program says of it, what it offers.

All of it is the program's own: the rules it reads logs by, and its English sentences for the text shown.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.tables import table
from sparktray.decide.ways_on import MOST_TOKENS, OF_MEMORY, OF_THE_IMAGE
from sparktray.engines import docker_failures, ollama, sglang, vllm
from sparktray.engines.failures import GB10_RULES, GENERAL_RULES, Rule
from sparktray.wording import Wording

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "failures.md"

_COLUMNS = ("Code", "Known by", "Cause", "Remedy", "Offers")
_HEAD = """\
# What went wrong, and what helps

Written by `make failure-table` from the rules by which the program reads an engine's last log lines and what
Docker says. A rule looks for more than the one text shown here. Where nothing matches, the last lines of the
log are shown as they are. "Offers" is the button under the failure and in its notification; "Try again" is
always there.
"""


def general() -> tuple[Rule, ...]:
    """Rules that hold for more than one engine."""
    return (*GB10_RULES, *GENERAL_RULES)


def sections() -> tuple[tuple[str, tuple[Rule, ...]], ...]:
    """Each group of rules under its heading; every rule of the program is in one of them."""
    engines = (("SGLang", sglang.RULES), ("vLLM", vllm.RULES), ("Ollama", ollama.RULES))
    own = [(name, tuple(rule for rule in rules if rule not in general())) for name, rules in engines]
    return (*own, ("Any engine", general()), ("Docker", docker_failures.RULES))


def page() -> str:
    """The whole page."""
    lines = [_HEAD]
    for name, rules in sections():
        lines += [f"## {name}", "", *table(_COLUMNS, (_row(rule) for rule in rules)), ""]
    return "\n".join(lines)


def _row(rule: Rule) -> Sequence[str]:
    found = rule.compiled.search(rule.seen)
    if found is None:
        raise ValueError(f"{rule.code} does not know the text it names")
    failure, say = rule.failure(found), Wording("en")
    return (f"`{rule.code}`", f"`{rule.seen}`", say(failure.cause), say(failure.remedy), _offers(rule))


def _offers(rule: Rule) -> str:
    offers = [
        *(["Start with so many tokens"] if MOST_TOKENS in rule.compiled.groupindex else []),
        *(["Start it on a server of another engine"] if rule.code in OF_THE_IMAGE else []),
        *(["Stop the largest server beside it"] if rule.code in OF_MEMORY else []),
    ]
    return "; ".join(offers)


def main() -> int:
    """Rewrite the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
