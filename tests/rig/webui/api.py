"""Open WebUI's HTTP interface as one person uses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests.waiting import scaled


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account."""

    name: str
    email: str
    password: str


class Refused(AssertionError):
    """An answer of 400 and above."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}")
        self.status = answer.status_code
        self.body = answer.text


class Api:
    """Requests of one person; of nobody until `sign_up` or `sign_in`."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=scaled(30))
        self.user_id = ""

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def sign_up(self, person: Person) -> None:
        """Make an account; the first one becomes admin."""
        made = self.post(
            "/api/v1/auths/signup", name=person.name, email=person.email, password=person.password
        )
        self._take(made)

    def sign_in(self, person: Person) -> None:
        """Log in with the password."""
        self._take(self.post("/api/v1/auths/signin", email=person.email, password=person.password))

    def _take(self, session: dict[str, Any]) -> None:
        self.user_id = str(session["id"])
        self._client.headers["Authorization"] = f"Bearer {session['token']}"

    def get(self, path: str) -> Any:
        """The decoded answer."""
        return self._decoded(self._client.get(path))

    def post(self, path: str, **body: Any) -> Any:
        """Send BODY as JSON; the decoded answer."""
        return self._decoded(self._client.post(path, json=body))

    def delete(self, path: str) -> Any:
        """The decoded answer."""
        return self._decoded(self._client.delete(path))

    def upload(self, name: str, text: str) -> str:
        """Upload a text file and wait until it is processed; its id."""
        path = "/api/v1/files/?process_in_background=false"
        answer = self._client.post(path, files={"file": (name, text.encode(), "text/plain")})
        return str(self._decoded(answer)["id"])

    def raw(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer as it came, also a refusal."""
        return self._client.request(method, path, **options)

    @staticmethod
    def _decoded(answer: httpx.Response) -> Any:
        if answer.status_code >= 400:
            raise Refused(answer)
        return answer.json()
