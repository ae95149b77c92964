"""What the page about clients shows of each server, from the snapshot and what is remembered."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from sparktray.decide.clients.client import Client
from sparktray.decide.clients.endpoint import Endpoint, endpoint_of
from sparktray.decide.clients.reach import BIND, direct_url, exposure
from sparktray.decide.clients.remembered import CopiedId, KeptForward, PublicUrl
from sparktray.decide.identity import running_on
from sparktray.decide.servers import answers_to, probe_key
from sparktray.domain.asking import Health
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import LinkPhase, ServerState, Snapshot
from sparktray.domain.text import clean_name, has_hidden


class Way(StrEnum):
    """How a client reaches a server."""

    DIRECT = "direct"
    FORWARD = "forward"  # by a port of this computer
    PUBLIC = "public"


class Address(msgspec.Struct, frozen=True):
    """A base URL of a server, ``/v1`` included."""

    way: Way
    url: str


class ServerRow(msgspec.Struct, frozen=True):
    """A server as clients get to know it.

    ``at`` is the endpoint at no address yet; None when it cannot be handed on, then ``why`` says why. ``key``
    is the keyring's name of the key that it asks for; ``key_missing`` when the keyring has not the right one.
    ``outdated`` are IDs that clients were given and that it does not answer to any more.
    """

    server: str
    at: Endpoint | None
    why: Phrase | None
    addresses: tuple[Address, ...]
    notes: tuple[Phrase, ...]
    key: str | None
    key_missing: bool
    outdated: tuple[CopiedId, ...]

    def reached(self, way: Way) -> Endpoint | None:
        """The endpoint at that kind of address; None where there is none."""
        found = next((each for each in self.addresses if each.way is way), None)
        return None if self.at is None or found is None else replace(self.at, base_url=found.url)


def server_rows(
    snapshot: Snapshot,
    copies: Sequence[CopiedId] = (),
    forwards: Sequence[KeptForward] = (),
    public: Sequence[PublicUrl] = (),
) -> tuple[ServerRow, ...]:
    """One for each server that answers or asks for a key; ``forwards`` are those that are open."""
    if snapshot.link is not LinkPhase.CONNECTED:
        return ()
    return tuple(
        _row(snapshot, state, copies, forwards, public)
        for state in snapshot.servers
        if state.ready or state.health is Health.LOCKED
    )


def _row(
    snapshot: Snapshot,
    state: ServerState,
    copies: Sequence[CopiedId],
    forwards: Sequence[KeptForward],
    public: Sequence[PublicUrl],
) -> ServerRow:
    host, name = snapshot.host, state.name
    found, why = endpoint_of(snapshot, state), None
    key = probe_key(snapshot, state)
    if state.health is Health.LOCKED:
        found, why = None, phrase("{server} asks for a key.", server=name)
    elif found is not None and has_hidden(found.model_id):
        why = phrase("The ID {name} holds characters that cannot be seen.", name=clean_name(found.model_id))
        found = None
    direct = direct_url(host, state)
    addresses = [] if direct is None else [Address(Way.DIRECT, direct)]
    addresses += [
        Address(Way.FORWARD, f"http://127.0.0.1:{each.port}/v1")
        for each in forwards
        if (each.host, each.server) == (host.name, name)
    ]
    addresses += [
        Address(Way.PUBLIC, each.url) for each in public if (each.host, each.server) == (host.name, name)
    ]
    return ServerRow(
        name,
        found,
        why,
        tuple(addresses),
        _notes(snapshot, state, direct),
        key,
        state.health is Health.LOCKED,
        tuple(
            each
            for each in copies
            if (each.host, each.server) == (host.name, name)
            and state.ready
            and each.model_id not in answers_to(state)
        ),
    )


def _notes(snapshot: Snapshot, state: ServerState, direct: str | None) -> tuple[Phrase, ...]:
    running = running_on(snapshot, state)
    notes = []
    if running.misnamed and running.model_path is not None:
        notes.append(
            phrase("The name says nothing: what is loaded is {path}.", path=clean_name(running.model_path))
        )
    if direct is None:
        notes.append(
            phrase(
                "Port {port} is open on {host} alone: clients of this computer reach it by a forward.",
                port=state.server.port,
                host=snapshot.host.name,
            )
        )
    open_to_all = exposure(snapshot, state)
    return (*notes, *(() if open_to_all is None else (open_to_all, BIND)))


def nothing_to_show(snapshot: Snapshot | None) -> Phrase:
    """Why there is no server on the page, with what to do about it."""
    if snapshot is None:
        return phrase("No host is set up yet.")
    if snapshot.link is not LinkPhase.CONNECTED:
        return phrase("Without a connection to {host} nothing can be said.", host=snapshot.host.name)
    return phrase("No model is ready. Switch to one, and what clients need of it stands here.")


def preferred(client: Client, row: ServerRow) -> Way:
    """The address that works best for a client: Cursor's servers call it, all others from this computer."""
    ways = [each.way for each in row.addresses]
    if client is Client.CURSOR and Way.PUBLIC in ways:
        return Way.PUBLIC
    return next((way for way in (Way.DIRECT, Way.FORWARD, Way.PUBLIC) if way in ways), Way.DIRECT)


def client_name(client: Client | str) -> str:
    """The client's name as its makers write it; the word itself for one of another version."""
    return _NAMES.get(client, clean_name(client))


_NAMES: dict[str, str] = {
    Client.CURSOR: "Cursor",
    Client.CONTINUE: "Continue",
    Client.CLINE: "Cline",
    Client.CLAUDE_CODE: "Claude Code",
    Client.OPEN_WEBUI: "Open WebUI",
    Client.CURL: "curl",
    Client.PYTHON: "Python",
    Client.ENV: "OPENAI_… (shell)",
}
