"""Connections to a host that has several names: its LAN address, its VPN name. The first one there wins.

Which machine answers is proven later, by its host key; a foreign one at the first address (somebody else's
network uses the same numbers) is no reason not to try the next.
"""

import socket
import threading
import time

import msgspec

from sparktray.remote.errors import RemoteError
from sparktray.remote.ssh.dialing import ADDRESS_SECONDS, STAGGER_SECONDS, dial


class Reached(msgspec.Struct, frozen=True):
    """A connected blocking socket, and which of the addresses that was."""

    address: str
    sock: socket.socket


class Race:
    """Dials the addresses, each in a thread of its own, the next one 250 ms after the one before it.

    ``seconds`` is for each. Ask for `next` from one thread; `abandon` closes what was not asked for.
    """

    def __init__(self, addresses: tuple[str, ...], port: int, *, seconds: float = ADDRESS_SECONDS) -> None:
        self._changed = threading.Condition()
        self._there: list[Reached] = []
        self._errors: dict[int, RemoteError] = {}
        self._left = len(addresses)
        self._wanted = 1
        self._given = 0
        self._over = False
        self._began = time.monotonic()
        for number, address in enumerate(addresses):
            work = (number, address, port, seconds)
            threading.Thread(target=self._work, args=work, name="dial", daemon=True).start()

    def next(self) -> Reached | None:
        """Wait for another connection; None when there is none any more, but was one before.

        Raises for the first address what `dial` raises when there never was one.
        """
        with self._changed:
            self._wanted = self._given + 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._there or not self._left)
            if self._there:
                self._given += 1
                return self._there.pop(0)
            if self._given:
                return None
            raise self._errors[min(self._errors)]

    def abandon(self) -> None:
        """Nobody asks for more: close what is there and what still comes."""
        with self._changed:
            self._over = True
            for reached in self._there:
                reached.sock.close()
            self._there.clear()
            self._changed.notify_all()

    def _work(self, number: int, address: str, port: int, seconds: float) -> None:
        try:
            if self._turn(number):
                self._arrived(Reached(address, dial(address, port, seconds=seconds)))
        except RemoteError as error:
            with self._changed:
                self._errors[number] = error
        finally:
            with self._changed:
                self._left -= 1
                self._changed.notify_all()

    def _turn(self, number: int) -> bool:
        """Wait until this address is to be dialled; False when nobody needs it any more."""
        due = self._began + number * STAGGER_SECONDS
        with self._changed:
            while not self._over:
                enough = self._given + len(self._there) >= self._wanted
                left = due - time.monotonic()
                if not enough and (left <= 0 or len(self._errors) + self._given >= number):
                    return True
                self._changed.wait(None if enough else max(0.0, left))
        return False

    def _arrived(self, reached: Reached) -> None:
        with self._changed:
            if self._over:
                reached.sock.close()
            else:
                self._there.append(reached)
