"""A server that does what it is told to, right or wrong, over real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

Serve = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\n"


class Server:
    """Answers every connection with one function, after it has read a request's head."""

    def __init__(self, serve: Serve) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.requests: list[bytes] = []
        self.connections = 0
        self._serve = serve
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for sock in self._open:
            sock.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(sock)
            threading.Thread(target=self._talk, args=(sock,), daemon=True).start()

    def _talk(self, sock: socket.socket) -> None:
        try:
            while request := sock.recv(65536):
                self.requests.append(request)
                self._serve(sock)
        except OSError:
            return


def saying(*parts: bytes, close: bool = False) -> Serve:
    def serve(sock: socket.socket) -> None:
        sock.sendall(b"".join(parts))
        if close:
            sock.shutdown(socket.SHUT_RDWR)

    return serve


Start = Callable[[Serve], Server]
