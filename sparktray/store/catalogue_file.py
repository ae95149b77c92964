"""Which `models.json` counts, and the person's own one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from sparktray.domain.catalogue import Catalogue
from sparktray.domain.catalogue_file.reading import CatalogueError, CatalogueProblem, read_catalogue
from sparktray.domain.catalogue_file.writing import Addition, with_added
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.store.aside import free_name
from sparktray.store.atomic import read_file, sole_writer, write_file
from sparktray.store.paths import ConfigFolder, StoreError, unwritable
from sparktray.store.shipped import shipped

NAME = "models.json"
_LAST = "models.last.json"
_SCHEMA = "models.schema.json"


def load_catalogue(folder: ConfigFolder) -> Catalogue:
    """The person's own catalogue when the config folder holds one, else the one that was shipped.

    Raises `CatalogueError` for the first thing wrong in it, `StoreError` when it cannot be read.
    """
    own = folder.file(NAME)
    text = read_file(own)
    return _shipped() if text is None else read_catalogue(text, str(own))


def usable_catalogue(folder: ConfigFolder) -> tuple[Catalogue, Problem | None]:
    """A catalogue in any case: for a broken own one the last good one, and what is wrong.

    Without a last good one it is the shipped one. For what goes on running while the person edits.
    """
    own = folder.file(NAME)
    try:
        text = read_file(own)
        if text is None:
            return _shipped(), None
        catalogue = read_catalogue(text, str(own))
    except CatalogueError as error:
        return _last_good(folder), problem_of_catalogue(error.problem)
    except StoreError as error:
        return _last_good(folder), error.problem
    # Where nothing can be written there is only no copy for later.
    with contextlib.suppress(StoreError):
        if read_file(folder.file(_LAST)) != text:
            with sole_writer(folder):
                write_file(folder.file(_LAST), text)
    return catalogue, None


def own_catalogue(folder: ConfigFolder) -> Path | None:
    """The person's own `models.json`, None while the shipped one counts."""
    own = folder.file(NAME)
    return own if own.exists() else None


def make_own(folder: ConfigFolder) -> Path:
    """The person's own `models.json`, made from the shipped one when there is none. Raises `StoreError`.

    The schema is put beside it each time, so that editors complete what this version knows.
    """
    own = folder.file(NAME)
    with sole_writer(folder):
        _put_schema(folder)
        if not own.exists():
            write_file(own, _fresh())
    return own


def add_entries(folder: ConfigFolder, addition: Addition) -> Path:
    """Put servers and models into the person's own `models.json`, made from the shipped one if need be.

    All of it or nothing: what would be written is read first. Raises `CatalogueError` for a file that is
    broken, or that already has what is added, and `StoreError`.
    """
    own = folder.file(NAME)
    with sole_writer(folder):
        text = read_file(own)
        made = with_added(_fresh() if text is None else text, str(own), addition)
        _put_schema(folder)
        write_file(own, made)
    return own


def _fresh() -> bytes:
    """The shipped list as it lies in a config folder, with its schema beside it."""
    text = shipped(NAME).read_bytes()
    return text.replace(f'"resources/{_SCHEMA}"'.encode(), f'"./{_SCHEMA}"'.encode(), 1)


def _put_schema(folder: ConfigFolder) -> None:
    write_file(folder.file(_SCHEMA), shipped(f"resources/{_SCHEMA}").read_bytes())


def use_shipped(folder: ConfigFolder) -> Path | None:
    """Let the shipped one count again; where the own one is kept, if there was one. Raises `StoreError`."""
    own = folder.file(NAME)
    with sole_writer(folder):
        kept = free_name(own, "kept")
        try:
            os.replace(own, kept)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unwritable(own, error) from error
        with contextlib.suppress(OSError):
            folder.file(_LAST).unlink()
    return kept


def problem_of_catalogue(problem: CatalogueProblem) -> Problem:
    """The one error of a models.json, with the place in the file."""
    if problem.line is not None:
        cause = phrase(
            "{source}, line {line}, column {column}: {message}",
            source=problem.source,
            line=problem.line,
            column=problem.column,
            message=problem.message,
        )
    elif problem.entry is not None:
        cause = phrase(
            "{source}, {path} ({entry}): {message}",
            source=problem.source,
            path=problem.path,
            entry=problem.entry,
            message=problem.message,
        )
    else:
        cause = phrase(
            "{source}, {path}: {message}",
            source=problem.source,
            path=problem.path or "$",
            message=problem.message,
        )
    return Problem(problem.code, cause, problem.remedy)


def _last_good(folder: ConfigFolder) -> Catalogue:
    last = folder.file(_LAST)
    with contextlib.suppress(StoreError, CatalogueError):
        text = read_file(last)
        if text is not None:
            return read_catalogue(text, str(last))
    return _shipped()


def _shipped() -> Catalogue:
    came_with_it = shipped(NAME)
    return read_catalogue(came_with_it.read_bytes(), str(came_with_it))
