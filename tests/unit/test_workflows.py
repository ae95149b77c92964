"""The workflows, as far as they can be judged without the service that runs them."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def commands(workflow: Any) -> list[str]:
    """What every step of every job runs, in order."""
    return [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]


def test_there_are_two() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "packages.yml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_it_has_the_form_that_github_asks_for(path: Path) -> None:
    """By GitHub's JSON schema of workflows, which check-jsonschema carries."""
    command = ["check_jsonschema", "--builtin-schema", "vendor.github-workflows", "--output-format", "json"]
    done = subprocess.run(
        [sys.executable, "-m", *command, str(path)], capture_output=True, text=True, check=False
    )
    assert json.loads(done.stdout)["status"] == "ok", done.stdout
    assert done.returncode == 0


def test_a_broken_one_would_be_noticed(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    text = WORKFLOWS[1].read_text(encoding="utf-8")
    broken.write_text(text.replace("runs-on:", "runs:"), encoding="utf-8")
    command = ["check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(broken)]
    assert subprocess.run([sys.executable, "-m", *command], capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_the_shell_understands_its_steps_and_make_knows_its_targets(path: Path) -> None:
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in commands(read(path)):
        understood = subprocess.run(
            ["bash", "-n"], input=command, text=True, capture_output=True, check=False
        )
        assert (understood.returncode, understood.stderr) == (0, "")
        for target in re.findall(r"\bmake ([a-z-]+)", command):
            assert re.search(rf"^{target}:", rules, re.MULTILINE), target


def test_packages_are_built_on_all_three_systems() -> None:
    jobs = read(ROOT / ".github" / "workflows" / "packages.yml")["jobs"]
    systems = {each["os"].partition("-")[0] for each in jobs["frozen"]["strategy"]["matrix"]["include"]}
    assert systems == {"ubuntu", "windows", "macos"}
