"""What the person chose for themselves, in `settings.json` of the config folder."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from sparktray.decide.clients.remembered import CopiedId, KeptForward, PublicUrl
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.store.aside import free_name
from sparktray.store.atomic import read_file, sole_writer, write_file
from sparktray.store.language import BOM, LANGUAGES, LAST_SETTINGS, SETTINGS
from sparktray.store.paths import ConfigFolder, StoreError

VERSION = 1


class Settings(msgspec.Struct, frozen=True):
    """All choices; what nobody chose is as a new program has it.

    ``language`` is one of ``LANGUAGES``, None for the environment's. ``silenced`` are the kinds of
    notifications that are off. ``panel`` is where the window was: base64 of ``QWidget.saveGeometry``.
    ``copies`` are the IDs that clients were last given, ``forwards`` and ``public`` the ways by which they
    reach servers.
    """

    language: str | None = None
    silenced: frozenset[str] = frozenset()
    panel: str | None = None
    copies: tuple[CopiedId, ...] = ()
    forwards: tuple[KeptForward, ...] = ()
    public: tuple[PublicUrl, ...] = ()

    def with_copy(self, copied: CopiedId) -> Settings:
        """The same after a client got an ID: what it had before counts no more."""
        others = (each for each in self.copies if each.client != copied.client)
        return replace(self, copies=(*others, copied))

    def with_forward(self, host: str, server: str, port: int | None) -> Settings:
        """The same with that server's forward at that port of this computer; without one for None."""
        others = tuple(each for each in self.forwards if (each.host, each.server) != (host, server))
        added = () if port is None else (KeptForward(host=host, server=server, port=port),)
        return replace(self, forwards=(*others, *added))

    def with_public(self, host: str, server: str, url: str) -> Settings:
        """The same with that server's public address; without one for an empty text."""
        others = tuple(each for each in self.public if (each.host, each.server) != (host, server))
        added = (PublicUrl(host=host, server=server, url=url),) if url else ()
        return replace(self, public=(*others, *added))


class _File(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    language: str | None = None
    silenced: tuple[str, ...] = ()
    panel: str | None = None
    copies: tuple[CopiedId, ...] = ()
    forwards: tuple[KeptForward, ...] = ()
    public: tuple[PublicUrl, ...] = ()


class SettingsFile:
    """`settings.json`. Any thread; several processes may change it at once, each change is whole."""

    def __init__(self, folder: ConfigFolder) -> None:
        self._folder = folder
        self._path = folder.file(SETTINGS)
        self._last = folder.file(LAST_SETTINGS)

    def load(self) -> tuple[Settings, Problem | None]:
        """The settings, and what is wrong with the file; never raises.

        A file that cannot be understood is kept aside and the last good settings take its place, so
        that this is said once. One of a newer version stays as it is.
        """
        try:
            settings = self._read()
            self._keep_good(settings)
        except _Newer as newer:
            return newer.settings, _newer(self._folder)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return self._repaired()
        except StoreError as error:
            return self._good(), error.problem
        return settings, None

    def change(self, change: Callable[[Settings], Settings]) -> Settings:
        """Save what ``change`` makes of the settings; what was saved.

        Raises `StoreError` when the folder cannot be written or the file is of a newer version.
        """
        with sole_writer(self._folder):
            try:
                before = self._read()
            except _Newer:
                raise StoreError(_newer(self._folder)) from None
            except (msgspec.DecodeError, ValueError, RecursionError):
                before = self._set_aside()[0]
            settings = change(before)
            write_file(self._path, _written(settings))
            write_file(self._last, _written(settings))
        return settings

    def _read(self) -> Settings:
        text = read_file(self._path)
        return Settings() if text is None else _understood(text)

    def _good(self) -> Settings:
        """The last ones that were understood."""
        try:
            text = read_file(self._last)
            return Settings() if text is None else _understood(text)
        except (_Newer, StoreError, msgspec.DecodeError, ValueError, RecursionError):
            return Settings()

    def _keep_good(self, settings: Settings) -> None:
        """Remember them for the day the file is broken; where nothing can be written it stays as it is."""
        if settings != self._good():
            try:
                with sole_writer(self._folder):
                    write_file(self._last, _written(settings))
            except StoreError:
                return

    def _repaired(self) -> tuple[Settings, Problem | None]:
        try:
            with sole_writer(self._folder):
                try:
                    return self._read(), None  # somebody else was quicker
                except _Newer as newer:
                    return newer.settings, _newer(self._folder)
                except (msgspec.DecodeError, ValueError, RecursionError):
                    return self._set_aside()
        except StoreError as error:
            return self._good(), _unusable(self._folder, error)

    def _set_aside(self) -> tuple[Settings, Problem]:
        aside = free_name(self._path, "corrupt")
        text, settings = read_file(self._path), self._good()
        write_file(aside, text or b"")
        write_file(self._path, _written(settings))
        problem = Problem(
            "store-corrupt",
            phrase("The settings could not be read; the file is kept as {path}.", path=str(aside)),
            phrase("The last good settings are used. Nothing needs to be done."),
        )
        return settings, problem


_PARTS = ("language", "silenced", "panel", "copies", "forwards", "public")


class _Newer(Exception):
    """The file is of a later version; ``settings`` is what of it could be understood."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings


def _understood(text: bytes) -> Settings:
    """Raises what msgspec raises for a broken file, and `_Newer`."""
    tree = msgspec.json.decode(text.removeprefix(BOM), type=dict[str, object])
    version = tree.get("version")
    if isinstance(version, int) and version > VERSION:
        raise _Newer(_settings(_piecewise(tree)))
    return _settings(msgspec.convert(tree, _File))


def _piecewise(tree: dict[str, object]) -> _File:
    """The parts that mean today what they meant when this was written, as far as anybody can tell."""
    kept: dict[str, object] = {"version": VERSION}
    for name in _PARTS:
        part = {"version": VERSION, name: tree.get(name)}
        try:
            msgspec.convert(part, _File)
        except msgspec.ValidationError:
            continue
        kept |= part
    return msgspec.convert(kept, _File)


def _settings(file: _File) -> Settings:
    language = file.language if file.language in LANGUAGES else None
    return Settings(language, frozenset(file.silenced), file.panel, file.copies, file.forwards, file.public)


def _written(settings: Settings) -> bytes:
    file = _File(
        version=VERSION,
        language=settings.language,
        silenced=tuple(sorted(settings.silenced)),
        panel=settings.panel,
        copies=settings.copies,
        forwards=settings.forwards,
        public=settings.public,
    )
    return msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n"


def _newer(folder: ConfigFolder) -> Problem:
    return Problem(
        "store-version",
        phrase("{path} was written by a newer version of sparktray.", path=str(folder.file(SETTINGS))),
        phrase("Update sparktray, or name another folder with --config."),
    )


def _unusable(folder: ConfigFolder, error: StoreError) -> Problem:
    """Broken, and the folder takes no change: it stays, and is said at every start."""
    return Problem(
        "store-corrupt",
        phrase("The settings in {path} could not be read.", path=str(folder.file(SETTINGS))),
        error.problem.remedy,
        error.problem.technical,
    )
