"""Step 4: what is on the host, and whether it will do."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

from msgspec.structs import replace
from PySide6.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from sparktray.control.checking import Check, Found, Stage, checks, look_around, unusable
from sparktray.decide.showing.present import engine_name
from sparktray.domain.host import DEFAULT_CACHE_DIR, DEFAULT_MODELS_DIR, HostProfile
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.text import clean_name
from sparktray.store.hosts import Hosts
from sparktray.ui.background import Background
from sparktray.ui.hosts.access import Access
from sparktray.ui.hosts.checklist import Checklist
from sparktray.ui.hosts.field import Field
from sparktray.ui.hosts.status import Advice, StatusLine, Working, problem_from
from sparktray.ui.hosts.steps.step import Step
from sparktray.ui.hosts.walk import Walk
from sparktray.ui.painting.texts import selectable
from sparktray.ui.panel.controls import scrolled
from sparktray.ui.theme import GRID
from sparktray.wording import Wording

# More names than these are a wall, and the panel's list shows all of them.
_NAMES = 6


class ThereStep(Step):
    """The staged check as it runs, and then the models and engines that were found. Saves at the end."""

    def __init__(
        self, say: Wording, background: Background, access: Access, parent: QWidget | None = None
    ) -> None:
        super().__init__(say, parent)
        self._background = background
        self._access = access
        self._draft = HostProfile("", "")
        self._known: Found | None = None
        self._walk: Walk[Check | Found] | None = None
        self.checklist, self.found, self.status = Checklist(say), selectable(), StatusLine(say)
        self.models, self.cache = Field(say), Field(say)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setHorizontalSpacing(2 * GRID)
        form.addRow(self.models.label, self.models)
        form.addRow(self.cache.label, self.cache)
        inside = QWidget()
        lines = QVBoxLayout(inside)
        lines.setContentsMargins(0, 0, GRID, 0)
        lines.setSpacing(GRID)
        lines.addWidget(self.checklist)
        lines.addWidget(self.found)
        lines.addStretch(1)
        # Remedies may need more lines than the window has.
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(form)
        column.addSpacing(GRID)
        column.addWidget(scrolled(inside), 1)
        column.addWidget(self.status)
        for field in (self.models, self.cache):
            field.changed.connect(self._typed)
            field.edit.editingFinished.connect(self._look_if_changed)
        self.status.stopped.connect(self.leave)
        self.status.again.connect(self.look)
        self.setFocusProxy(self.models)

    def title(self) -> Phrase:
        """See `Step`."""
        return phrase("What is there")

    def advice(self) -> Phrase:
        """See `Step`."""
        return phrase(
            "Everything that sparktray needs of {host}, one after the other.", host=self._draft.name
        )

    def onward(self) -> Phrase:
        """See `Step`."""
        return phrase("Save and use it")

    def tell(self) -> None:
        """See `Step`."""
        self.models.tell(phrase("&Models are in"))
        self.cache.tell(phrase("C&aches are in"))
        self.checklist.tell()
        self.status.tell()
        said = [] if self._known is None else [self.say(each) for each in told(self._known)]
        self.found.setText("\n".join(said))
        self.found.setVisible(bool(said))

    def enter(self, draft: HostProfile) -> None:
        """See `Step`."""
        self._draft = draft
        self.models.edit.setText(_of_user(draft.models_dir, draft))
        self.cache.edit.setText(_of_user(draft.cache_dir, draft))
        self.look()

    def look(self) -> None:
        """Check it, from the beginning."""
        self.leave()
        host = self._draft = self.draft(self._draft)
        self._known = None
        self.checklist.begin(local=not host.by_ssh)
        self.status.show_state(Working(phrase("Looking at {host}…", host=host.name)))
        self.tell()
        self._walk = Walk(self._background, _around(self._access, host), self._take, self._over)
        self.changed.emit()

    def draft(self, draft: HostProfile) -> HostProfile:
        """See `Step`."""
        return replace(draft, models_dir=self.models.text, cache_dir=self.cache.text)

    def complete(self) -> bool:
        """See `Step`. What is missing can be put right later, so it keeps nobody from saving."""
        return self._walk is None and next(unusable(self.draft(self._draft)), None) is None

    def proof(self, draft: HostProfile) -> tuple[Working, Callable[[], Hosts]] | None:
        """See `Step`. Only here anything is saved."""
        hosts = self._access.hosts

        def save() -> Hosts:
            hosts.add(draft)
            return hosts.use(draft.name)

        return Working(phrase("Saving…"), can_stop=False), save

    def leave(self) -> None:
        """See `Step`."""
        if self._walk is not None:
            self._walk.stop()
            self._walk = None
            self.status.show_state(None)
            self.changed.emit()

    def _take(self, item: Check | Found) -> None:
        match item:
            case Check():
                self.checklist.add(item)
            case Found():
                self._known = item
                self.tell()

    def _over(self, error: Exception | None) -> None:
        self._walk = None
        wrong = any(check.problem is not None for check in self.checklist.checks)
        self.status.show_state(None if error is None else problem_from(error, self._draft))
        if error is None and wrong:
            self.status.show_state(Advice(phrase("It can be saved all the same, and put right later.")))
        self.changed.emit()

    def _typed(self) -> None:
        faults = {name: problem.remedy for name, problem in unusable(self.draft(self._draft))}
        self.models.show_fault(faults.get("models_dir") if self.models.text else None)
        self.cache.show_fault(faults.get("cache_dir") if self.cache.text else None)
        self.changed.emit()

    def _look_if_changed(self) -> None:
        wanted = self.draft(self._draft)
        if wanted != self._draft and next(unusable(wanted), None) is None:
            self.look()


def _of_user(path: str, host: HostProfile) -> str:
    """The usual folder in this user's own home; any other as it is."""
    usual = host.user is not None and path in {DEFAULT_MODELS_DIR, DEFAULT_CACHE_DIR}
    return path.replace("/sparkuser/", f"/{host.user}/") if usual else path


def _around(access: Access, host: HostProfile) -> Generator[Check | Found, None, None]:
    """The checks, then what is there when the host lets us in; on worker threads."""
    reached = False
    for check in checks(host, access.dial, access.catalogue()):
        reached = reached or check.stage is Stage.DOCKER
        yield check
    if reached:
        remote = access.dial(host)
        try:
            yield look_around(remote, host, access.catalogue())
        finally:
            remote.close()


def told(found: Found) -> Iterator[Phrase]:
    """What was found, a sentence each."""
    names = [model.id for model in found.models]
    if not names:
        yield phrase("None of the models of the list is in the models folder yet.")
    elif len(names) > _NAMES:
        yield phrase(
            "Models there: {names} and {count} more.", names=names[:_NAMES], count=len(names) - _NAMES
        )
    else:
        yield phrase("Models there: {names}.", names=names)
    for server, container in found.running or ():
        yield phrase(
            "{engine} runs on port {port}, in the container {container}.",
            engine=engine_name(server.engine),
            port=server.port,
            container=clean_name(container.name),
        )
    if found.running == ():
        yield phrase("No engine runs.")
