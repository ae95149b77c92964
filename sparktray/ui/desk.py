"""What is on the desktop, and the host that all of it shows: pictures go in, wishes go out."""

from __future__ import annotations

import sys
from functools import partial

from msgspec.structs import replace
from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtWidgets import QApplication

from sparktray.control.controller import Controller
from sparktray.control.watch import Watch
from sparktray.decide.showing.history import History
from sparktray.decide.ways_on import EnterSecret
from sparktray.domain.catalogue import Catalogue
from sparktray.domain.host import HostProfile
from sparktray.domain.operation import Wish
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import LinkPhase, Snapshot
from sparktray.remote.contract import Remote
from sparktray.store.hosts import Hosts
from sparktray.store.settings import Settings
from sparktray.ui.asking import Asker
from sparktray.ui.background import Background
from sparktray.ui.bridge import Bridge, MainThread
from sparktray.ui.clients.handing import Handing
from sparktray.ui.clipboard import Copied, Copier
from sparktray.ui.entries.secret_entry import SecretEntry
from sparktray.ui.front import Front
from sparktray.ui.hosts.secret_window import PersonAtDesk
from sparktray.ui.notifying.announcing import Announcer
from sparktray.ui.notifying.notify import Notifier, TrayMessages
from sparktray.ui.reloading import Reloading
from sparktray.ui.settings.saving import Saving
from sparktray.ui.settings.speaking import Speaking
from sparktray.ui.tray.tray import Tray
from sparktray.wiring import Program, controller_for
from sparktray.wording import Wording

NAME = "sparktray"
_ON_BUS = sys.platform.startswith("linux")
# Panels of a session that is just beginning come within a second or two; until then a window that
# opens for want of an icon would only be in the way.
_TRAY_MILLISECONDS = 4000


class Desk(QObject):
    """The icon, the windows and the notifications of one program. Main thread only.

    ``host`` is what is watched first, None while none is set up.
    """

    def __init__(self, say: Wording, program: Program, host: HostProfile | None) -> None:
        super().__init__()
        self._say = say
        self._program = program
        self._hosts = program.hosts.load()
        self._host = host
        self._background = Background(self)
        self._errands = MainThread(self)
        self._bridge = Bridge(self)
        self._bridge.changed.connect(self._take)
        self._watch: Watch | None = None
        self._number = 0
        self._latest: Snapshot | None = None
        self._history = History()
        self._copier = Copier(say, self._background, self)
        self._asker = Asker(say, self)
        self._asker.wished.connect(self._wish)
        self._secrets = SecretEntry(say, self._background, program.vault.keyring.set_named, self)
        self._secrets.stored.connect(self._asked)
        self._person, self._applicant = PersonAtDesk(say, self), PersonAtDesk(say, self)
        self._speaking = Speaking(say, self._background, self)
        self._speaking.changed.connect(self._tell_anew)
        self._handing = self._made_handing()
        self._front = self._made_front()
        self._reloading = self._made_reloading()
        self._tray: Tray | None = None
        self._notifier: Notifier | None = None
        self._announcer: Announcer | None = None
        self._settings = Settings()

    def open(self) -> None:
        """Watch the host, and show the icon as soon as the desktop shows any; until then the panel."""
        if self._host is not None:
            self._begin(self._host)
        if _ON_BUS:
            from sparktray.ui.notifying.session import SessionBus

            SessionBus(self).lost.connect(QApplication.quit)
            self._announce_over_bus()
        self._find_tray()
        self._reloading.look()
        if self._host is None:
            self._front.set_up()
        elif self._host.is_demo:
            self._front.present()  # whoever wants to see it shall not have to find an icon

    def close(self) -> None:
        """End everything, within 2 s; the models run on."""
        self._bridge.close()
        self._person.settle()
        self._errands.close()
        self._background.close()
        self._handing.close()
        self._front.close()
        self._asker.close()
        self._secrets.close()
        self._copier.close()
        if self._tray is not None:
            self._tray.close()
        if self._notifier is not None:
            self._notifier.close()
        if self._watch is not None:
            self._watch.close()
        self._program.demo.close()

    # From the door, on any thread.

    def controller(self) -> Controller | None:
        """The present controller, None while no host is set up."""
        watch = self._watch
        return None if watch is None else watch.controller

    def copy(self, text: str) -> bool:
        """Put text on the clipboard and wait; whether it is there."""
        copier = self._copier
        return self._errands.ask(lambda t: copier.copy(text, lambda done: t(done is Copied.DONE), lines=True))

    def show_panel(self, token: str) -> None:
        """Bring the panel to the front, with the token of who asked for it."""
        self._errands.do(lambda: self._front.present(token))

    # The host.

    def _begin(self, host: HostProfile) -> None:
        self._host = host
        watch = Watch(self._maker(host), self._bridge.publish)
        self._watch, self._latest = watch, watch.controller.snapshot
        watch.start()

    def _maker(self, host: HostProfile) -> partial[Controller]:
        program = self._program.demo.program(host) or self._program
        return partial(controller_for, program, host, keep_trying=True, person=self._person, measure=True)

    @Slot()
    def _try_demo(self) -> None:
        """Asked for while no host is set up; from then on it is watched whenever there is none."""
        self._background.run(self._program.demo.open, self._visit, lambda _: self._front.set_up())

    def _visit(self, _: None) -> None:
        self._hosts_changed(self._hosts)
        self._front.present()

    @Slot(int, object)
    def _take(self, number: int, snapshot: Snapshot) -> None:
        if number > self._number:
            self._number = number
            if self._announcer is not None:
                self._announcer.reset()
        self._latest = snapshot
        self._person.take(snapshot.link)
        self._history = self._history.with_(snapshot)
        self._show()

    def _show(self) -> None:
        """The icon first: it is what is looked at, and what must not wait."""
        latest = self._latest
        if self._tray is not None:
            self._tray.show(latest, self._names())
        self._handing.take(latest)
        self._front.take(latest)
        if latest is None:
            return
        self._asker.take(latest)
        if self._announcer is not None:
            self._announcer.in_front = self._front.in_front
            self._announcer.take(latest)

    def _names(self) -> tuple[str, ...]:
        return tuple(profile.name for profile in self._hosts.profiles)

    @Slot(object)
    def _hosts_changed(self, hosts: Hosts) -> None:
        """Somebody added, changed, removed or chose one, here or on the command line."""
        before, self._hosts = self._hosts, hosts
        watched = self._host
        same = None if watched is None else hosts.get(watched.name)
        chosen = hosts.get() if hosts.in_use != before.in_use or same is None else same
        chosen = chosen or self._program.demo.host
        if chosen is None:
            self._end_watching()
        elif watched is None or self._watch is None:
            self._person.welcome()
            self._begin(chosen)
        elif chosen.name != watched.name:
            self._host = chosen
            self._person.welcome()
            self._watch.turn_to(self._maker(chosen))
        elif chosen != watched:
            self._host = chosen
            self._watch.renew(self._maker(chosen))
        self._front.take_hosts(hosts)
        self._show()

    def _end_watching(self) -> None:
        """The last host was removed from the list."""
        self._person.settle()
        watch, self._watch = self._watch, None
        self._host, self._latest, self._history = None, None, History()
        if watch is not None:
            self._background.run(watch.close, lambda _: None)

    @Slot(object)
    def _catalogue_changed(self, catalogue: Catalogue) -> None:
        self._program = replace(self._program, catalogue=catalogue)
        if self._watch is not None and self._host is not None:
            self._watch.renew(self._maker(self._host))

    @Slot(str)
    def _use(self, name: str) -> None:
        """Chosen in the menu: kept on disk, from where it takes effect as if anybody had changed it."""
        file = self._program.hosts
        self._background.run(
            lambda: file.use(name), lambda _: self._reloading.look(), lambda _: self._reloading.look()
        )

    # What a person wants.

    @Slot(object)
    def _asked(self, wanted: Wish | EnterSecret | None) -> None:
        if wanted is None:
            self._retry()  # what was stored is a key that a server waits for
        elif isinstance(wanted, EnterSecret):
            self._secrets.ask(wanted, self._front.window_in_front())
        elif self._latest is not None:
            self._asker.wish(self._latest, wanted, self._front.window_in_front())

    @Slot(object)
    def _wish(self, wish: Wish) -> None:
        controller = self.controller()
        if controller is not None:
            identity = controller.wish(wish)
            if self._announcer is not None:
                self._announcer.asked(identity)

    @Slot()
    def _cancel(self) -> None:
        controller = self.controller()
        if controller is not None:
            controller.cancel()

    @Slot()
    def _retry(self) -> None:
        controller = self.controller()
        if controller is not None:
            controller.retry()

    @Slot()
    def _try_now(self) -> None:
        """Asked for by a person: then a login that waits for one begins anew, and may ask them."""
        blocked = self._latest is not None and self._latest.link is LinkPhase.BLOCKED
        if blocked and self._watch is not None and self._host is not None:
            self._person.welcome()
            self._watch.turn_to(self._maker(self._host))
        else:
            self._retry()

    # What it is shown with.

    def _made_front(self) -> Front:
        front = Front(
            self._say,
            self._background,
            self._program,
            self._applicant,
            lambda: self._program.catalogue,
            lambda: self._history,
            self.controller,
            lambda: self._program.demo.program(self._host),
            self._handing,
            self,
        )
        front.wished.connect(self._asked)
        front.cancelled.connect(self._cancel)
        front.retry_asked.connect(self._try_now)
        front.copy_asked.connect(self._copy_id)
        front.written.connect(lambda: self._reloading.look())
        front.demo_asked.connect(self._try_demo)
        return front

    def _made_handing(self) -> Handing:
        saving = Saving(self._program.folder, self._background, self)
        saving.saved.connect(lambda _: self._reloading.look())

        key = self._program.vault.keyring.named
        handing = Handing(self._copier, saving, self._background, self._open_remote, key, self)
        handing.key_asked.connect(self._asked)
        handing.opened.connect(lambda: self._front.forwards_changed())
        return handing

    def _open_remote(self) -> Remote | None:
        controller = self.controller()
        return None if controller is None else controller.open_remote()

    def _made_reloading(self) -> Reloading:
        program = self._program
        reloading = Reloading(program.folder, self._background, program.catalogue, self._hosts, self)
        reloading.settings_changed.connect(self._settings_changed)
        reloading.catalogue_changed.connect(self._catalogue_changed)
        reloading.catalogue_broken.connect(self._front.take_catalogue_problem)
        reloading.hosts_changed.connect(self._hosts_changed)
        reloading.hosts_broken.connect(self._front.take_hosts_problem)
        return reloading

    def _find_tray(self) -> None:
        if not _ON_BUS:
            QTimer.singleShot(0, self, self._show_tray)
            return
        from sparktray.ui.tray.watcher import TrayHost

        desktop = TrayHost(self)
        desktop.appeared.connect(self._show_tray)
        desktop.start()
        if self._tray is None:
            QTimer.singleShot(_TRAY_MILLISECONDS, self, self._without_tray)

    @Slot()
    def _without_tray(self) -> None:
        """No icon can be shown: then the window is the program's face, and says what would bring the icon."""
        if self._tray is None:
            self._front.without_tray(is_so=True)
            self._front.present()

    @Slot()
    def _show_tray(self) -> None:
        tray = Tray(self._say, self._copier, over_bus=_ON_BUS, parent=self)
        rows = tray.rows
        rows.wished.connect(self._asked)
        rows.host_asked.connect(self._use)
        rows.cancelled.connect(self._cancel)
        rows.panel_asked.connect(self._front.present)
        rows.webui_asked.connect(self._front.show_open_webui)
        rows.webui_page_asked.connect(self._front.open_web_page)
        rows.client_asked.connect(self._front.show_client)
        rows.check_asked.connect(self._front.check_client)
        rows.opened.connect(self._retry)
        rows.quit_asked.connect(QApplication.quit)
        self._tray = tray
        self._front.without_tray(is_so=False)
        if self._announcer is None:
            self._announce(TrayMessages(tray.icon))
        self._show()

    def _announce(self, notifier: Notifier) -> None:
        announcer = Announcer(self._say, notifier, self)
        announcer.silence(self._settings.silenced)
        announcer.copy_asked.connect(self._copy_id)
        announcer.log_asked.connect(self._front.show_log)
        announcer.wished.connect(self._asked)
        announcer.remember(self._settings.copies)
        announcer.panel_asked.connect(self._front.present)
        self._notifier, self._announcer = notifier, announcer

    def _announce_over_bus(self) -> None:
        from sparktray.ui.notifying.bus_notify import BusNotifications

        notifier = BusNotifications(NAME, self)
        self._announce(notifier)
        if self._announcer is not None:
            notifier.pressed.connect(self._announcer.pressed)
            notifier.clicked.connect(self._announcer.panel_asked)

    @Slot(str)
    def _copy_id(self, server: str) -> None:
        """Asked for in the panel or in a notification; the panel says how it went."""
        self._handing.copy_id(server, self._front.copied)

    # What is chosen in the settings.

    @Slot(object, object)
    def _settings_changed(self, settings: Settings, problem: Problem | None) -> None:
        self._settings = settings
        if self._announcer is not None:
            self._announcer.silence(settings.silenced)
            self._announcer.remember(settings.copies)
        self._handing.take_settings(settings)
        self._speaking.turn_to(settings.language)
        self._front.take_settings(settings, problem)

    @Slot()
    def _tell_anew(self) -> None:
        """In another language from now on."""
        self._front.tell()
        self._person.tell()
        self._applicant.tell()
        self._secrets.tell()
        self._show()
