"""From a wish about Open WebUI to its steps, between taking and giving back the lock."""

from __future__ import annotations

from msgspec.structs import replace

from sparktray.decide.changing.steps import record
from sparktray.decide.webui import steps
from sparktray.decide.webui.account import not_signed_in
from sparktray.decide.webui.answers import NO_DATABASE
from sparktray.decide.webui.refusing import refusal
from sparktray.decide.webui.steps import Place
from sparktray.domain.action import Guard, MakeVolume
from sparktray.domain.catalogue import OpenWebUi
from sparktray.domain.facts.survey import BrokenOff, Survey
from sparktray.domain.open_webui import ARCHIVE_DAYS, Archive, Contents, Household, WipeScope
from sparktray.domain.operation import ForgetWish, Operation, RestoreWish, Step, StepState, WipeWish
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.text import clean_name


def plan_for(
    known: OpenWebUi, wish: WipeWish | RestoreWish | ForgetWish, survey: Survey, operation: str
) -> list[Step] | Problem:
    """The steps that fulfil the wish, or why it is refused."""
    house = survey.household
    if house is None:
        raise ValueError("a wish about Open WebUI needs a survey of it")
    if isinstance(wish, WipeWish):
        refused = survey.keyring or (None if survey.unstored is None else not_signed_in())
        return refused or _wipe(house, known, wish, survey.host_time, operation)
    if isinstance(wish, ForgetWish):
        return _forget(house, wish)
    return _restore(house, known, wish, survey.host_time, operation)


def _forget(house: Household, wish: ForgetWish) -> list[Step] | Problem:
    """Remove one archive, or all; none at all is so already."""
    going = [each for each in house.archives if wish.archive in {None, each.name}]
    if not going and wish.archive is not None:
        return _no_archive(wish.archive)
    return [steps.remove_archive(each.name) for each in going]


def _wipe(
    house: Household, known: OpenWebUi, wish: WipeWish, host_time: float, operation: str
) -> list[Step] | Problem:
    if _is_gone(house, wish):
        wish = replace(wish, archive=False)
    refused = refusal(house, known, wish.scope, archive=wish.archive)
    if refused is not None:
        return refused
    place = _place(house, known, operation)
    if house.container is None:
        return _without_container(place, wish, host_time)
    guard = Guard(house.container.name, house.container.id)
    old = [steps.remove_archive(each.name) for each in expired(house.archives, host_time)]
    copied = _copied(place, wish.scope, guard, host_time) if wish.archive else []
    if wish.scope is WipeScope.CHATS:
        if not house.container.running:
            return _stopped(known)
        return [*copied, steps.delete_mine(known.port, wish.older_than), *old]
    gone = steps.wipe(place, wish.scope, wish.older_than, guard, archive=wish.archive)
    return [*_at_rest(house, known, [*copied, gone], revive=wish.revive), *old]


def _place(house: Household, known: OpenWebUi, operation: str) -> Place:
    return Place(known.container, known.volume, house.image or "", operation)


def _copied(place: Place, scope: WipeScope, guard: Guard | None, host_time: float) -> list[Step]:
    return [steps.make_archive(place, scope, host_time), steps.fill_archive(place, scope, guard)]


def _at_rest(house: Household, known: OpenWebUi, middle: list[Step], *, revive: bool) -> list[Step]:
    """Those steps while the container stands still; one that did not run stays so, unless ``revive``."""
    container = house.container
    if container is None or not (container.running or revive):
        return middle
    again = [steps.start(container), steps.healthy(container.name, known.port, forward=False)]
    if not container.running:
        return [*middle, *again]
    first = [steps.healthy(container.name, known.port, forward=True), record(container)]
    return [*first, steps.stop(container), *middle, *again]


def _is_gone(house: Household, wish: WipeWish) -> bool:
    """True when an earlier try has taken already what was wished; what it left besides is not counted here.

    A copy made now would hold nothing, and would be the newest, which a restore without a name takes. What
    was there is in the copy of the earlier try.
    """
    found = house.contents
    if not wish.revive:
        return False
    if isinstance(found, Contents):
        chats = found.chats if wish.older_than is None else found.chats_older
        accounts = found.accounts if wish.scope is WipeScope.EVERYTHING else ()
        return not chats and not accounts
    return wish.scope is WipeScope.EVERYTHING and found is not None and found.code == NO_DATABASE


def archive_of_operation(operation: Operation) -> str | None:
    """The archive that an operation has made, by which it can be undone; None when it kept none."""
    for run in operation.runs:
        action = run.step.action
        if isinstance(action, MakeVolume) and action.labels and run.state is StepState.DONE and not run.back:
            return action.name
    return None


def expired(archives: tuple[Archive, ...], host_time: float) -> list[Archive]:
    """Archives that were kept long enough, by the host's own clock."""
    return [each for each in archives if host_time - each.made_at > ARCHIVE_DAYS * 24 * 3600.0]


def _without_container(place: Place, wish: WipeWish, host_time: float) -> list[Step] | Problem:
    """What the page does when the container is gone already: the volume goes as a whole."""
    if wish.scope is not WipeScope.EVERYTHING:
        return Problem(
            "webui-missing",
            phrase("There is no container {name} on the host.", name=clean_name(place.container)),
            phrase("Start Open WebUI, or delete everything: sparktray webui wipe --everything"),
        )
    copied = _copied(place, wish.scope, None, host_time) if wish.archive else []
    return [*copied, steps.remove_data(place.volume)]


def _stopped(known: OpenWebUi) -> Problem:
    return Problem(
        "webui-stopped",
        phrase("Open WebUI does not run, so nobody can be signed in to it."),
        phrase("Start it: docker start {container}", container=known.container),
    )


def _restore(
    house: Household, known: OpenWebUi, wish: RestoreWish, host_time: float, operation: str
) -> list[Step] | Problem:
    archive = wanted_archive(house.archives, wish.archive)
    if archive is None:
        return _no_archive(wish.archive)
    scope = archive.scope
    place = steps.place_of(archive, house.image or "", operation)
    if house.container is None and not house.volume_there and scope is WipeScope.EVERYTHING:
        return [steps.make_volume(place.volume), steps.restore(place, archive.name, scope, None)]
    replaces = scope is WipeScope.EVERYTHING
    refused = _of_another(archive, known) or refusal(house, known, scope, archive=replaces)
    if refused is not None:
        return refused
    guard = None if house.container is None else Guard(house.container.name, house.container.id)
    back = steps.restore(place, archive.name, scope, guard)
    # What is there now would be replaced, so it is kept too.
    kept = _copied(place, scope, guard, host_time) if replaces else []
    return _at_rest(house, known, [*kept, back], revive=wish.revive)


def _of_another(archive: Archive, known: OpenWebUi) -> Problem | None:
    if (archive.container, archive.volume) == (known.container, known.volume):
        return None
    return Problem(
        "archive-of-another",
        phrase(
            "{archive} was made of {container} with volume {volume}.",
            archive=archive.name,
            container=clean_name(archive.container),
            volume=clean_name(archive.volume),
        ),
        phrase('Name those under "open_webui" in models.json, and try again.'),
    )


def way_back(house: Household, known: OpenWebUi, broken: BrokenOff, operation: str) -> list[Step]:
    """The steps that undo a wipe that was broken off, by what it had kept; also where it did not get far."""
    old = next(iter(broken.containers), None)
    container = house.container
    made = next((each for each in house.archives if each.operation == broken.operation), None)
    middle = []
    if made is not None and broken.wiped:
        guard = None if container is None else Guard(container.name, container.id)
        place = steps.place_of(made, house.image or "", operation)
        middle = [steps.restore(place, made.name, made.scope, guard)]
    elif made is not None:
        middle = [steps.remove_archive(made.name)]
    if container is None or old is None or old.id != container.id:
        return middle
    return _at_rest(house, known, middle, revive=True) if middle or not container.running else []


def wanted_archive(archives: tuple[Archive, ...], name: str | None) -> Archive | None:
    """The archive of that name, or without a name the newest; None when there is none."""
    if name is not None:
        return next((each for each in archives if each.name == name), None)
    return max(archives, key=lambda each: each.made_at, default=None)


def _no_archive(name: str | None) -> Problem:
    if name is None:
        return Problem(
            "archive-missing",
            phrase("Nothing of Open WebUI is archived on the host."),
            phrase("Archives are kept for 7 days: sparktray webui archives"),
        )
    return Problem(
        "archive-missing",
        phrase("There is no archive {name} on the host.", name=clean_name(name)),
        phrase("Look at those there are: sparktray webui archives"),
    )
