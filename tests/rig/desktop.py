"""A desktop without a desktop: an X server, a session bus, and the two services a tray talks to.

The services are small jeepney programs that answer as KDE's and GNOME's do and record what they are told.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from jeepney import (  # type: ignore[import-untyped]  # ships no types
    DBusAddress,
    HeaderFields,
    MatchRule,
    Message,
    MessageType,
    Properties,
    message_bus,
    new_error,
    new_method_call,
    new_method_return,
    new_signal,
)
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

from tests.rig.namespace import end
from tests.waiting import scaled, wait_until

WATCHER = "org.kde.StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
NOTIFICATIONS = "org.freedesktop.Notifications"
_REPLY_SECONDS = 10.0
S = TypeVar("S", bound="Service")


class Service:
    """A program on the bus: owns a name, answers calls, records signals, in a thread of its own."""

    def __init__(self, address: str, name: str, path: str, rules: tuple[MatchRule, ...] = ()) -> None:
        self._connection = open_dbus_connection(address)
        self._name = name
        self._path = path
        for rule in rules:
            self._connection.send_and_get_reply(message_bus.AddMatch(rule))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()
        self._connection.send(message_bus.RequestName(name))
        wait_until(lambda: with_reply(address, message_bus.NameHasOwner(name))[0], f"{name} on the bus")

    def close(self) -> None:
        """Leave the bus, as a service does that crashes."""
        self._ended.set()
        self._thread.join()
        self._connection.close()

    def emit(self, member: str, signature: str | None = None, body: tuple[Any, ...] = ()) -> None:
        """Send one of the service's signals."""
        emitter = DBusAddress(self._path, interface=self._name)
        self._connection.send(new_signal(emitter, member, signature, body))

    def _serve(self) -> None:
        while not self._ended.is_set():
            with suppress(TimeoutError):
                self._take(self._connection.receive(timeout=0.05))

    def _take(self, message: Message) -> None:
        fields = message.header.fields
        if message.header.message_type is MessageType.signal:
            self.heard(message, time.time())
        elif message.header.message_type is MessageType.method_call:
            answer = self.answer(str(fields[HeaderFields.member]), message)
            if answer is None:
                unknown = "org.freedesktop.DBus.Error.UnknownMethod"
                self._connection.send(new_error(message, unknown, "s", ("not here",)))
            else:
                self._connection.send(new_method_return(message, *answer))

    def heard(self, message: Message, at: float) -> None:
        """Take a signal; on the service's thread."""

    def answer(self, member: str, message: Message) -> tuple[str | None, tuple[Any, ...]] | None:
        """Signature and values of the answer to a call, None for a method that it does not have."""
        raise NotImplementedError


class Watcher(Service):
    """`org.kde.StatusNotifierWatcher`: who registered, and every signal of theirs with its time."""

    def __init__(self, address: str, *, with_host: bool = True) -> None:
        self.items: list[str] = []
        self.registered: list[float] = []
        self.signals: list[tuple[str, float]] = []
        self.host = with_host
        rule = MatchRule(type="signal", interface=ITEM)
        super().__init__(address, WATCHER, "/StatusNotifierWatcher", (rule,))

    def heard(self, message: Message, at: float) -> None:
        """Record the signal's name."""
        self.signals.append((str(message.header.fields[HeaderFields.member]), at))

    def first(self, member: str, after: float) -> float | None:
        """When that signal came first after a time."""
        return next((at for name, at in list(self.signals) if name == member and at >= after), None)

    def answer(self, member: str, message: Message) -> tuple[str | None, tuple[Any, ...]] | None:
        """Registration and the three properties."""
        properties: dict[str, tuple[str, Any]] = {
            "IsStatusNotifierHostRegistered": ("b", self.host),
            "ProtocolVersion": ("i", 0),
            "RegisteredStatusNotifierItems": ("as", list(self.items)),
        }
        match member:
            case "RegisterStatusNotifierItem":
                self.registered.append(time.time())
                self.items.append(str(message.header.fields[HeaderFields.sender]))
                return None, ()
            case "Get":
                return "v", (properties[message.body[1]],)
            case "GetAll":
                return "a{sv}", (properties,)
            case "Introspect":
                return "s", (_WATCHER_INTROSPECTION,)
            case _:
                return None


@dataclass(frozen=True)
class Told:
    """One call of Notify, as it came, and when."""

    identity: int
    application: str
    replaces: int
    icon: str
    title: str
    body: str
    actions: tuple[str, ...]
    hints: Mapping[str, Any]
    expires: int
    signature: str
    at: float = field(default_factory=time.time)


class Notifications(Service):
    """`org.freedesktop.Notifications`: every notification, and every withdrawal."""

    def __init__(self, address: str) -> None:
        self.told: list[Told] = []
        self.closed: list[int] = []
        super().__init__(address, NOTIFICATIONS, "/org/freedesktop/Notifications")

    def answer(self, member: str, message: Message) -> tuple[str | None, tuple[Any, ...]] | None:
        """As the Desktop Notifications Specification 1.2 has it."""
        match member:
            case "Notify":
                application, replaces, icon, title, body, actions, hints, expires = message.body
                identity = replaces or len(self.told) + 1
                signature = str(message.header.fields[HeaderFields.signature])
                rest = (tuple(actions), hints, expires, signature)
                self.told.append(Told(identity, application, replaces, icon, title, body, *rest))
                return "u", (identity,)
            case "CloseNotification":
                self.closed.append(message.body[0])
                return None, ()
            case "GetCapabilities":
                return "as", (["body", "body-markup", "actions", "persistence"],)
            case "GetServerInformation":
                return "ssss", ("rig", "sparktray", "1", "1.2")
            case _:
                return None

    def press(self, identity: int, action: str) -> None:
        """A person presses a button of a notification."""
        self.emit("ActionInvoked", "us", (identity, action))


@dataclass(frozen=True)
class Row:
    """One row of the menu, as a desktop gets it."""

    identity: int
    label: str
    visible: bool
    enabled: bool
    checked: bool | None
    separator: bool
    children: tuple[Row, ...]

    @property
    def shown(self) -> str:
        """The label as a desktop shows it by the dbusmenu protocol: `__` is one, a single `_` is none."""
        return "_".join(part.replace("_", "") for part in self.label.split("__"))


class Item:
    """A registered tray item, spoken to as a panel does."""

    def __init__(self, address: str, name: str) -> None:
        self._address = address
        self._name = name
        self._item = DBusAddress("/StatusNotifierItem", bus_name=name, interface=ITEM)

    def read(self, what: str) -> Any:
        """A property of the item."""
        kind_and_value = with_reply(self._address, Properties(self._item).get(what))[0]
        return kind_and_value[1]

    @property
    def tooltip(self) -> str:
        """The tooltip's title, which is where Qt puts the text."""
        return str(self.read("ToolTip")[2])

    @property
    def pixels(self) -> bytes:
        """The icon's pictures, all sizes."""
        return b"".join(bytes(picture[2]) for picture in self.read("IconPixmap"))

    @property
    def sizes(self) -> set[int]:
        """Widths of the icon's pictures."""
        return {int(picture[0]) for picture in self.read("IconPixmap")}

    @property
    def _menu(self) -> DBusAddress:
        return DBusAddress(str(self.read("Menu")), bus_name=self._name, interface=MENU)

    def rows(self) -> tuple[Row, ...]:
        """The menu's rows, also those that are not visible."""
        asked = new_method_call(self._menu, "GetLayout", "iias", (0, -1, []))
        _revision, root = with_reply(self._address, asked)
        return _row(root).children

    def visible(self) -> list[str]:
        """What the rows that are shown say, in order."""
        return [row.shown for row in self.rows() if row.visible and not row.separator]

    def row(self, begins: str) -> Row:
        """The visible row, of the menu or a submenu, that begins so; the first one, the sentence, apart."""
        found = self.find(begins)
        assert found is not None, (begins, self.visible())
        return found

    def find(self, begins: str) -> Row | None:
        """The same, None when there is none."""

        def search(rows: tuple[Row, ...]) -> Row | None:
            for row in rows:
                if row.visible and not row.separator and row.shown.startswith(begins):
                    return row
                below = search(row.children) if row.visible else None
                if below is not None:
                    return below
            return None

        return search(self.rows()[1:])

    def open(self) -> None:
        """As a panel does when a person opens the menu."""
        with_reply(self._address, new_method_call(self._menu, "AboutToShow", "i", (0,)))

    def click(self, begins: str) -> None:
        """Click a row."""
        self.click_on(self.row(begins))

    def click_on(self, row: Row) -> None:
        """Click this row."""
        assert row.enabled, row
        body = (row.identity, "clicked", ("i", 0), int(time.time()))
        with_reply(self._address, new_method_call(self._menu, "Event", "isvu", body))


def _row(node: Any) -> Row:
    identity, properties, children = node
    given = {name: value for name, (_kind, value) in properties.items()}
    checked = given.get("toggle-state") == 1 if given.get("toggle-type") else None
    return Row(
        identity,
        str(given.get("label", "")),
        bool(given.get("visible", True)),
        bool(given.get("enabled", True)),
        checked,
        given.get("type") == "separator",
        tuple(_row(child) for _kind, child in children),
    )


def with_reply(address: str, message: Message) -> tuple[Any, ...]:
    """Send a call and take its answer; an error raises."""
    with open_dbus_connection(address) as connection:
        reply = connection.send_and_get_reply(message, timeout=scaled(_REPLY_SECONDS))
    assert reply.header.message_type is not MessageType.error, (message.header.fields, reply.body)
    body: tuple[Any, ...] = reply.body
    return body


class Desktop:
    """An X server and a session bus; services come and go as tests want."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="desktop-")))
        try:
            self.display = self._start_display()
            self.address = self._start_bus()
        except BaseException:
            self._stack.close()
            raise

    def close(self) -> None:
        """End both."""
        self._stack.close()

    @property
    def environment(self) -> dict[str, str]:
        """What a program of this desktop finds in its environment."""
        return {
            "DISPLAY": self.display,
            "DBUS_SESSION_BUS_ADDRESS": self.address,
            "XDG_RUNTIME_DIR": str(self.folder),
        }

    def _start_display(self) -> str:
        reading, writing = os.pipe()
        arguments = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(arguments, pass_fds=(writing,), stdout=quiet, stderr=quiet)
        self._stack.callback(end, process)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        assert number, "Xvfb did not start"
        return f":{number}"

    def _start_bus(self) -> str:
        arguments = ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--nosyslog"]
        arguments += [f"--address=unix:path={self.folder}/bus", "--print-address=1"]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._stack.callback(end, process)
        assert process.stdout is not None
        address = process.stdout.readline().decode().strip()
        process.stdout.close()
        assert address, "dbus-daemon did not start"
        return address

    @contextmanager
    def watcher(self, *, with_host: bool = True) -> Iterator[Watcher]:
        """A panel, while the block lasts."""
        with _closing(lambda: Watcher(self.address, with_host=with_host)) as made:
            yield made

    @contextmanager
    def notifications(self) -> Iterator[Notifications]:
        """A notification service, while the block lasts."""
        with _closing(lambda: Notifications(self.address)) as made:
            yield made

    def item(self, watcher: Watcher) -> Item:
        """The one item, once it has registered."""
        wait_until(lambda: watcher.items, "an item to register", seconds=20)
        return Item(self.address, watcher.items[-1])

    def has(self, pid: int) -> bool:
        """Whether that process is on the bus."""
        names = [name for name in with_reply(self.address, message_bus.ListNames())[0] if name[0] == ":"]
        with open_dbus_connection(self.address) as connection:
            asked = [message_bus.GetConnectionUnixProcessID(name) for name in names]
            # One that has left meanwhile answers with an error, whose text is no number.
            return pid in [connection.send_and_get_reply(each).body[0] for each in asked]


@contextmanager
def _closing(make: Callable[[], S]) -> Iterator[S]:
    made = make()
    try:
        yield made
    finally:
        made.close()


_WATCHER_INTROSPECTION = f"""<node><interface name="{WATCHER}">
<method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
<property name="IsStatusNotifierHostRegistered" type="b" access="read"/>
<property name="ProtocolVersion" type="i" access="read"/>
<property name="RegisteredStatusNotifierItems" type="as" access="read"/>
<signal name="StatusNotifierHostRegistered"/>
</interface></node>"""
