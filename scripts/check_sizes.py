"""Fail when a module, a function or a package outgrows its limit, or a name says nothing."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("sparktray", "tests", "scripts", "benchmarks", "packaging")

MODULE_LINES = 400
FUNCTION_LINES = 60
MODULES_IN_PACKAGE = 12
# Names under which anything could be filed, also as a part: `host_utils`.
BANNED = frozenset(
    {"util", "utils", "helper", "helpers", "misc", "common", "manager", "managers", "data"},
)


def faults_of_module(path: Path, name: str) -> list[str]:
    """Faults of one file: its name, its length, the length of its functions."""
    found = faults_of_name(path.stem, name)
    source = path.read_text(encoding="utf-8")
    lines = source.count("\n")
    if lines > MODULE_LINES:
        found.append(f"{name}: {lines} lines, more than {MODULE_LINES}")
    for node in ast.walk(ast.parse(source, name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                found.append(
                    f"{name}:{node.lineno}: {node.name} has {length} lines, more than {FUNCTION_LINES}"
                )
    return found


def faults_of_name(stem: str, name: str) -> list[str]:
    """A fault when a word of a file's or folder's name is banned."""
    return [f"{name}: {word!r} does not say what is inside" for word in stem.split("_") if word in BANNED]


def faults_of_package(folder: Path, name: str) -> list[str]:
    """Faults of one folder of the package: its name and the number of its modules."""
    found = faults_of_name(folder.name, name)
    modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    if len(modules) > MODULES_IN_PACKAGE:
        found.append(f"{name}: {len(modules)} modules, more than {MODULES_IN_PACKAGE}")
    return found


def faults(root: Path) -> list[str]:
    """All faults below `root`, in the order of their paths."""
    found = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            found += faults_of_module(path, path.relative_to(root).as_posix())
    package = root / "sparktray"
    for path in [package, *sorted(entry for entry in package.rglob("*") if entry.is_dir())]:
        if path.name != "__pycache__":
            found += faults_of_package(path, path.relative_to(root).as_posix())
    return found


def main() -> int:
    """Print the faults; 1 when there are any."""
    found = faults(ROOT)
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
