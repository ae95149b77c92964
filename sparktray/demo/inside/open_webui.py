"""Open WebUI of the demo, as far as this program asks it; for a browser there is one page that says so."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from sparktray.demo.docker.container import Held
from sparktray.demo.inside.accounts import ADMIN, API_KEY, PASSWORD, Chat, House, Person
from sparktray.demo.inside.engine import Machine
from sparktray.demo.inside.guest import Guest
from sparktray.demo.serving import Answer, Request, as_json

_VERSION = "0.12.4"
_START_SECONDS = 1.0
_PAGE = b"""<!doctype html><meta charset="utf-8"><title>Open WebUI (demo)</title>
<p>This is the demo of sparktray. On a real Spark, Open WebUI would be here.</p>
"""
_PAGE_OF_CHATS = 60
Models = Callable[[str], list[str]]


class OpenWebUi(Guest):
    """Answers a second after its start. ``models`` gives the IDs that are served at a URL."""

    def __init__(self, container: Held, machine: Machine, house: House, models: Models) -> None:
        super().__init__(container)
        self._machine = machine
        self._house = house
        self._models = models
        admin = next((each for each in house.people if each.email == ADMIN), None)
        self._keys = {} if admin is None else {API_KEY: admin}

    def live(self) -> int:
        """Make the database where there is none, and serve."""
        self.rest(_START_SECONDS / self._machine.pace)
        self._house.open()
        self.say("INFO:     Application startup complete.")
        self.listens = True
        self.up.set()
        self.rest(None)
        return 0

    def answer(self, request: Request) -> Answer:
        """See `Guest.answer`."""
        house = self._house
        match request.method, request.path:
            case "GET", "/health":
                return as_json({"status": True})
            case "GET", "/api/version":
                return as_json({"version": _VERSION})
            case "GET", "/api/config":
                empty = {"onboarding": True} if not house.people else {}
                return as_json({**empty, "features": {"enable_signup": not house.people}})
            case "GET", "/":
                return Answer(body=_PAGE, kind="text/html; charset=utf-8")
            case "POST", "/api/v1/auths/signin":
                return self._sign_in(request)
            case _:
                person = self._person(request)
                if person is None:
                    return as_json({"detail": "401 Unauthorized"}, 401)
                return self._signed_in(request, person)

    def _sign_in(self, request: Request) -> Answer:
        asked = request.json()
        found = next((each for each in self._house.people if each.email == asked.get("email")), None)
        if found is None or asked.get("password") != PASSWORD:
            return as_json({"detail": "The email or password provided is incorrect."}, 400)
        token = secrets.token_urlsafe(24)
        self._keys[token] = found
        return as_json({"token": token, **_session(found)})

    def _person(self, request: Request) -> Person | None:
        known = self._keys.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        return known if known in self._house.people else None

    def _signed_in(self, request: Request, person: Person) -> Answer:
        house = self._house
        match request.method, request.path:
            case "GET", "/api/v1/auths/":
                return as_json(_session(person))
            case "GET", "/api/v1/chats/":
                return as_json(self._page(person, request.query.get("page", "1")))
            case "GET", "/api/v1/chats/archived":
                return as_json([])
            case "DELETE", "/api/v1/chats/":
                house.chats = [each for each in house.chats if each.person != person.id]
                return as_json(True)
            case "DELETE", path if path.startswith("/api/v1/chats/"):
                gone = path.rpartition("/")[2]
                house.chats = [each for each in house.chats if (each.id, each.person) != (gone, person.id)]
                return as_json(True)
            case _ if person.role == "admin":
                return self._as_admin(request)
            case _:
                return as_json({"detail": "401 Unauthorized"}, 401)

    def _page(self, person: Person, page: str) -> list[dict[str, object]]:
        mine = [each for each in self._house.chats if each.person == person.id]
        first = _PAGE_OF_CHATS * (int(page) - 1 if page.isdecimal() else 0)
        return [_row(each) for each in mine[max(0, first) : max(0, first) + _PAGE_OF_CHATS]]

    def _as_admin(self, request: Request) -> Answer:
        house = self._house
        match request.method, request.path:
            case "GET", "/openai/config":
                return as_json(_connections(house))
            case "POST", "/openai/config/update":
                urls = request.json().get("OPENAI_API_BASE_URLS")
                house.urls = [str(url) for url in urls] if isinstance(urls, list) else house.urls
                return as_json(_connections(house))
            case "POST", "/openai/verify":
                found = self._models(str(request.json().get("url", "")))
                if not found:
                    return as_json({"detail": "Open WebUI: Server Connection Error"}, 500)
                return as_json({"data": [{"id": each} for each in found]})
            case "GET", "/api/models":
                return as_json({"data": [{"id": each} for url in house.urls for each in self._models(url)]})
            case _:
                return as_json({"detail": "Not Found"}, 404)


def _session(person: Person) -> dict[str, object]:
    return {"id": person.id, "email": person.email, "name": person.name, "role": person.role}


def _row(chat: Chat) -> dict[str, object]:
    touched = int(chat.touched)
    return {"id": chat.id, "title": chat.title, "updated_at": touched, "created_at": touched}


def _connections(house: House) -> dict[str, object]:
    return {
        "ENABLE_OPENAI_API": True,
        "OPENAI_API_BASE_URLS": house.urls,
        "OPENAI_API_KEYS": ["" for _ in house.urls],
        "OPENAI_API_CONFIGS": {},
    }
