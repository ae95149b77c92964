"""The files for a system's `share` folder, judged by those who read them: man, desktops and shells."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from PySide6.QtSvg import QSvgRenderer

from scripts.share_folder import COMPLETIONS, IDENTITY, write_share
from sparktray.ui.process import IDENTITY as OF_THE_PROGRAM


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("share")
    write_share(folder)
    return folder


def said(*argv: str, **environment: str) -> str:
    """What a program says on both streams; it must end well."""
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, env={**os.environ, **environment}, timeout=30
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout + done.stderr


def completed(share: Path, line: str) -> set[str]:
    """What a bash offers after TAB at the end of that line."""
    script = """
source "$1"
read -ra COMP_WORDS <<< "$2"
[[ $2 == *' ' ]] && COMP_WORDS+=("")
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 )) COMP_LINE=$2 COMP_POINT=${#2}
function=$(complete -p sparktray | sed 's/.*-F \\([^ ]*\\).*/\\1/')
"$function" sparktray "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
    return set(said("bash", "-c", script, "bash", str(share / COMPLETIONS["bash"]), line).split())


@pytest.mark.parametrize(
    ("line", "among", "not_among"),
    [
        ("sparktray ", {"status", "switch", "webui", "doctor"}, {"--on"}),
        ("sparktray sw", {"switch"}, {"status"}),
        ("sparktray --", {"--host", "--json", "--version"}, {"--dry-run"}),
        ("sparktray switch --", {"--on", "--dry-run", "--make-room", "--host"}, {"--watch"}),
        ("sparktray host ", {"add", "list", "test", "set-up-key"}, {"status"}),
        ("sparktray webui wipe --a", {"--all-chats"}, {"--chats"}),
        ("sparktray snippet c", {"cursor", "continue", "cline", "curl"}, {"env"}),
    ],
)
def test_bash_completes_commands_and_options(
    share: Path, line: str, among: set[str], not_among: set[str]
) -> None:
    offered = completed(share, line)
    assert among <= offered
    assert not not_among & offered


def test_fish_completes_and_zsh_understands(share: Path) -> None:
    offered = said("fish", "-c", f"source '{share / COMPLETIONS['fish']}'; complete -C 'sparktray s'")
    assert {"status", "switch", "stop", "snippet"} <= {line.split("\t")[0] for line in offered.splitlines()}
    assert said("zsh", "-n", str(share / COMPLETIONS["zsh"])) == ""


def test_the_manual_page_reads_without_a_warning(share: Path) -> None:
    page = share / "man/man1/sparktray.1"
    assert said("groff", "-man", "-ww", "-z", "-Tutf8", str(page)) == ""
    assert said("mandoc", "-T", "lint", "-W", "error", str(page)) == ""
    source = page.read_text(encoding="utf-8")
    for title in ("NAME", "SYNOPSIS", "OPTIONS", "EXIT STATUS", "FILES", "ENVIRONMENT"):
        assert f".SH {title}\n" in source
    for words in ("switch", "host add", "webui wipe", "secret set", "check\\-cursor"):
        assert f".SS sparktray {words}\n" in source
    assert source.count("\\fB\\-\\-json\\fR") == 2, "once in the synopsis, once among the options"


def test_the_desktop_s_files_are_valid_and_of_one_name(share: Path) -> None:
    assert IDENTITY == OF_THE_PROGRAM
    entry = share / f"applications/{IDENTITY}.desktop"
    assert said("desktop-file-validate", str(entry)) == ""
    said("appstreamcli", "validate", "--no-net", str(share / f"metainfo/{IDENTITY}.metainfo.xml"))
    keys = dict(line.split("=", 1) for line in entry.read_text(encoding="utf-8").splitlines() if "=" in line)
    assert (keys["Icon"], keys["Exec"], keys["Terminal"]) == (IDENTITY, "sparktray", "false")
    metainfo = (share / f"metainfo/{IDENTITY}.metainfo.xml").read_text(encoding="utf-8")
    assert f"<id>{IDENTITY}</id>" in metainfo and f">{entry.name}</launchable>" in metainfo


def test_the_icon_is_the_application_s_alone(share: Path) -> None:
    renderer = QSvgRenderer(str(share / f"icons/hicolor/scalable/apps/{IDENTITY}.svg"))
    assert renderer.isValid()
    assert renderer.elementExists("application") and not renderer.elementExists("ready")
    assert renderer.viewBox().width() == 16


def test_a_tree_of_the_system_finds_them(share: Path, tmp_path: Path) -> None:
    """Installed as the wheel installs them, man finds the page."""
    shutil.copytree(share, tmp_path / "share")
    where = said("man", "--where", "sparktray", MANPATH=str(tmp_path / "share/man")).strip()
    assert where == str(tmp_path / "share/man/man1/sparktray.1")
