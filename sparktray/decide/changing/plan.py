"""From a wish to a list of steps, or to the reason why not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

import msgspec
from msgspec.structs import replace

from sparktray.decide.changing import scripts, steps
from sparktray.decide.changing.going_back import restoring
from sparktray.decide.changing.locking import break_lock, lock, lock_expired, lock_of, lock_refusal, unlock
from sparktray.decide.changing.preflight import (
    chosen_server,
    folder_refusal,
    loads_by_api,
    name_refusal,
    ollama_refusal,
    port_refusal,
    secret_refusal,
    service_refusal,
    takeover_refusal,
)
from sparktray.decide.changing.standing import loads_already, making_way, serves_already
from sparktray.decide.memory.reckoning import reckon
from sparktray.decide.webui.planning import plan_for, way_back
from sparktray.domain.action import Action
from sparktray.domain.asking import Health
from sparktray.domain.catalogue import Model, Server
from sparktray.domain.docker.container import LABEL_MODEL, LABEL_OPERATION, LABEL_SERVER, PREVIOUS, Container
from sparktray.domain.facts.survey import Survey
from sparktray.domain.operation import (
    BackWish,
    ForgetWish,
    RestoreWish,
    Step,
    StepName,
    StopWish,
    SwitchWish,
    WhenBusy,
    WipeWish,
    Wish,
)
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import Phase, ServerState, Snapshot
from sparktray.engines.commands import secret_variables
from sparktray.engines.protocol import Launch
from sparktray.engines.registry import engine


class Plan(msgspec.Struct, frozen=True):
    """What will be done, and to which server and model. No steps: it is so already."""

    steps: tuple[Step, ...]
    server: str | None = None
    model: str | None = None


class Asker(msgspec.Struct, frozen=True):
    """Who plans: the operation's id and the owner that the lock shall name."""

    operation: str
    owner: str


def plan(snapshot: Snapshot, wish: Wish, survey: Survey, asker: Asker) -> Plan | Problem:
    """The steps that fulfil a wish on the host as it is now, or why it is refused."""
    match wish:
        case SwitchWish():
            chosen = chosen_server(snapshot, wish)
            if isinstance(chosen, Problem):
                return chosen
            return _switch(snapshot, wish, survey, asker, *chosen)
        case StopWish():
            return _stop(snapshot, wish, survey, asker)
        case BackWish():
            return _back(snapshot, survey, asker)
        case WipeWish() | RestoreWish() | ForgetWish():
            return _about_open_webui(snapshot, wish, survey, asker)
        case _:  # pragma: no cover
            assert_never(wish)


def _about_open_webui(
    snapshot: Snapshot, wish: WipeWish | RestoreWish | ForgetWish, survey: Survey, asker: Asker
) -> Plan | Problem:
    held = lock_refusal(lock_of(snapshot.containers, asker.operation), survey)
    middle = held or plan_for(snapshot.catalogue.open_webui, wish, survey, asker.operation)
    if isinstance(middle, Problem):
        return middle
    return Plan(_locked(snapshot, survey, asker, None, middle))


def _back(snapshot: Snapshot, survey: Survey, asker: Asker) -> Plan | Problem:
    broken = survey.broken
    if broken is None:
        return Problem(
            "nothing-interrupted",
            phrase("The journal of this computer does not know how it was before."),
            phrase("Look at the status and switch to the model that you want."),
        )
    held = lock_refusal(lock_of(snapshot.containers, asker.operation), survey)
    if held is not None:
        return held
    if survey.household is not None:
        middle = way_back(survey.household, snapshot.catalogue.open_webui, broken, asker.operation)
    else:
        middle = restoring(snapshot, broken)
    if middle:
        return Plan(_locked(snapshot, survey, asker, None, middle), broken.server)
    # Nothing is left to go back from but the lock of the program that died.
    lock_left = lock_of(snapshot.containers, asker.operation)
    dead = lock_left is not None and lock_left.id in survey.abandoned
    return Plan((break_lock(lock_left),) if lock_left is not None and dead else (), broken.server)


def _switch(
    snapshot: Snapshot, wish: SwitchWish, survey: Survey, asker: Asker, model: Model, server: Server
) -> Plan | Problem:
    state = _state(snapshot, server)
    if serves_already(snapshot, state, model, wish) and not _leftovers(snapshot, survey, [server.container]):
        return Plan((), server.name, model.id)
    held = lock_refusal(lock_of(snapshot.containers, asker.operation), survey)
    if held is not None:
        return held
    if loads_by_api(server):
        middle = _load_by_api(snapshot, survey, asker, state, model, wish)
    else:
        middle = _replace_container(snapshot, survey, asker, state, model, wish)
    if isinstance(middle, Problem):
        return middle
    first = [steps.pull(server.image)] if not survey.image_present and _runs_image(middle) else []
    return Plan((*first, *_locked(snapshot, survey, asker, server.image, middle)), server.name, model.id)


def _state(snapshot: Snapshot, server: Server) -> ServerState:
    return snapshot.state_of(server.name) or ServerState(server)


def _locked(
    snapshot: Snapshot, survey: Survey, asker: Asker, image: str | None, middle: list[Step]
) -> tuple[Step, ...]:
    """The steps between taking and giving back the lock; without any image there can be none."""
    there = survey.image_present or (survey.lock_image is None and _runs_image(middle))
    lock_image = image if image is not None and there else survey.lock_image
    if lock_image is None:
        return (steps.check_again(), *middle)
    held = lock_of(snapshot.containers, asker.operation)
    expired = held is not None and (lock_expired(held, survey.host_time) or held.id in survey.abandoned)
    broken = [break_lock(held)] if held is not None and expired else []
    taken = lock(asker.operation, asker.owner, lock_image, survey.host_time)
    return (*broken, taken, steps.check_again(), *middle, unlock(asker.operation))


def _runs_image(middle: list[Step]) -> bool:
    """True when the steps make a container of the server's image; a missing one is then pulled first."""
    return any(step.command[:2] == ("docker", "run") for step in middle)


def _replace_container(
    snapshot: Snapshot, survey: Survey, asker: Asker, state: ServerState, model: Model, wish: SwitchWish
) -> list[Step] | Problem:
    server = state.server
    if serves_already(snapshot, state, model, wish) or loads_already(snapshot, state, model, wish):
        left = _leftovers(snapshot, survey, [server.container])
        proof = [steps.load(server, model, wish.timeout), steps.prove(server, model)]
        return [*proof, *(steps.sweep(container) for container in left)]
    path = snapshot.host.expand(model.path or "")
    retired = making_way(snapshot, server)
    scripted = scripts.scripted_on(snapshot, state)
    refusal = (
        secret_refusal(model, survey)
        or (None if model.start is not None else folder_refusal(model, path, survey))
        or port_refusal(server, snapshot.containers, survey, retired)
        or (None if wish.replace or scripted is not None else takeover_refusal(server, retired))
        or (None if model.start is not None else name_refusal(server, snapshot.containers, survey, retired))
    )
    total = None if survey.memory is None else survey.memory[1]
    launch = Launch(server, model, snapshot.host, survey.folder, _labels(server, model, asker), total)
    found = reckon(snapshot, wish, survey, launch, retired)
    refusal = refusal or found.refusal
    if refusal is not None:
        return refusal
    # What an interrupted switch put aside is kept until the new model serves, unless its name is needed.
    first = _leftovers(snapshot, survey, [c.name for c in retired])
    last = [c for c in _leftovers(snapshot, survey, [server.container]) if c not in first]
    old = [steps.sweep(container) for container in first]
    old += _idle(wish, [state, *found.others])
    old += [step for other in found.others for step in _stop_server(snapshot, other, undoable=True)]
    old += [step for container in retired for step in _retire(container, state, scripted)]
    stays = [c for c in retired if not (c.auto_remove and c.running) and not c.of_compose]
    stops = found.others or any(c.running for c in retired)
    release = [steps.release(server, found.needs)] if stops else []
    return [
        *old,
        *release,
        _start(launch, asker, makes_room=bool(retired)),
        steps.load(server, model, wish.timeout),
        steps.prove(server, model),
        *(steps.commit(container) for container in stays),
        *(steps.sweep(container) for container in last),
    ]


def _start(launch: Launch, asker: Asker, *, makes_room: bool) -> Step:
    server, model = launch.server, launch.model
    if model.start is not None:
        return scripts.start(server, model)
    argv, secrets = engine(server.engine).run_argv(launch), secret_variables(model)
    return steps.start(server, asker.operation, argv, makes_room=makes_room, secrets=secrets)


def _leftovers(snapshot: Snapshot, survey: Survey, names: list[str]) -> list[Container]:
    """What an earlier operation of ours put aside for containers of these names and could not remove."""
    aside = {name + PREVIOUS for name in names}
    return [c for c in snapshot.containers if c.id in survey.abandoned and c.name in aside and not c.running]


def _idle(wish: SwitchWish | StopWish, states: Iterable[ServerState]) -> list[Step]:
    """Look whether what shall stop is answering requests, before any of it is touched."""
    if wish.busy is WhenBusy.GO_ON:
        return []
    patient = wish.busy is WhenBusy.WAIT
    # Ollama does not tell how many requests it has.
    return [steps.idle(s.server, patient=patient) for s in states if s.ready and not loads_by_api(s.server)]


def _retire(container: Container, state: ServerState, scripted: Model | None) -> list[Step]:
    """Journal, keep down, stop and put aside one container, each as far as it applies."""
    server = state.server
    if not container.running:
        return [steps.record(container), steps.put_aside(container)]
    if scripted is not None and state.container is not None and container.id == state.container.id:
        return scripts.retire(container, server, scripted)
    again = steps.start_again(container, server)
    if container.auto_remove:
        return [steps.record(container), steps.stop(container, again)]
    if container.of_compose:
        return [steps.record(container), steps.stop(container, again)]
    held = [steps.hold_restart(container)] if container.restart_policy != "no" else []
    return [steps.record(container), *held, steps.stop(container, again), steps.put_aside(container)]


def _labels(server: Server, model: Model, asker: Asker) -> dict[str, str]:
    return {LABEL_MODEL: model.id, LABEL_OPERATION: asker.operation, LABEL_SERVER: server.name}


def _api_answers(state: ServerState) -> bool:
    """True when the server that loads by API is up, with or without a model."""
    heard = state.health_at is not None and state.health is not Health.REFUSED
    return heard and state.phase in {Phase.IDLE, Phase.READY, Phase.BUSY, Phase.DEGRADED}


def _load_by_api(
    snapshot: Snapshot, survey: Survey, asker: Asker, state: ServerState, model: Model, wish: SwitchWish
) -> list[Step] | Problem:
    server = state.server
    name = model.name_on(server)
    final = [
        steps.load_ollama(server, name),
        steps.load(server, model, wish.timeout),
        steps.prove(server, model),
    ]
    if _api_answers(state):
        by_hand = state.container.name if state.container is not None else None
        has_it = not state.installed or ollama_refusal(name, state.installed, server) is None
        fetched = [] if has_it else [steps.fetch_ollama(server, name, by_hand)]
        loaded = [served.id for served in state.served or () if served.id not in {name, f"{name}:latest"}]
        given_up = [steps.unload_ollama(server, other, undoable=True) for other in loaded]
        return [*fetched, *given_up, *final]
    retired = making_way(snapshot, server)
    refusal = (
        port_refusal(server, snapshot.containers, survey, retired)
        # What is there is started as it is, so no name is needed for another one.
        or (None if retired or wish.replace else service_refusal(survey))
        or (None if retired else name_refusal(server, snapshot.containers, survey, retired))
    )
    if refusal is not None:
        return refusal
    woken = _wake_server(server, retired, snapshot, model, asker)
    return [*woken, steps.fetch_ollama(server, name, server.container), *final]


def _wake_server(
    server: Server, retired: list[Container], snapshot: Snapshot, model: Model, asker: Asker
) -> list[Step]:
    """Start the stopped container of a server that loads by API, or make one."""
    stopped = next((c for c in retired if not c.running and c.name == server.container), None)
    if stopped is not None:
        return [steps.start_again(stopped, server)]
    if retired:
        return []
    launch = Launch(server, model, snapshot.host, None, _labels(server, model, asker))
    argv = engine(server.engine).run_argv(launch)
    started = steps.start(server, asker.operation, argv, makes_room=False)
    return [replace(started, undo=None)]  # without a model it takes nothing, so it may stay


def _stop(snapshot: Snapshot, wish: StopWish, survey: Survey, asker: Asker) -> Plan | Problem:
    states = [s for s in snapshot.servers if wish.server in {None, s.name}]
    middle = [step for state in states for step in _stop_server(snapshot, state, stay_down=wish.stay_down)]
    if not middle:
        return Plan((), wish.server)
    middle = [*_idle(wish, states), *middle]
    held = lock_refusal(lock_of(snapshot.containers, asker.operation), survey)
    if held is not None:
        return held
    return Plan(_locked(snapshot, survey, asker, None, middle), wish.server)


def _stop_server(
    snapshot: Snapshot, state: ServerState, *, undoable: bool = False, stay_down: bool = False
) -> list[Step]:
    """Ollama keeps running and only gives up its models; of the others the container stops."""
    container = state.container
    if loads_by_api(state.server):
        return [steps.unload_ollama(state.server, m.id, undoable=undoable) for m in state.served or ()]
    if container is None:
        return []
    held = [steps.hold_restart(container)] if stay_down and container.restart_policy != "no" else []
    if not container.running:
        return [steps.record(container), *held] if held else []
    scripted = scripts.scripted_on(snapshot, state)
    if scripted is not None:
        ended = scripts.stop(state.server, scripted, undoable=undoable)
        return [steps.record(container), *held, ended, steps.release(state.server, None, name=False)]
    again = steps.start_again(container, state.server) if undoable else None
    return [steps.record(container), *held, steps.stop(container, again)]


def changed(before: Plan, now: Plan | Problem) -> Problem | None:
    """Whether a plan made again under the lock still says the same."""
    if isinstance(now, Problem):
        return now
    if _changes(before) == _changes(now):
        return None
    return Problem(
        "host-changed",
        phrase("Somebody changed the host while this was being prepared."),
        phrase("Look at the status and try again."),
    )


def _changes(made: Plan) -> list[Action]:
    """What a plan does to the host; a model that is ready meanwhile needs no waiting any more."""
    return [step.action for step in made.steps if step.name in _CHANGING]


_CHANGING = {
    StepName.SWEEP,
    StepName.RESTART_POLICY,
    StepName.STOP,
    StepName.RENAME,
    StepName.START,
    StepName.UNLOAD,
    StepName.COMMIT,
    StepName.WIPE,
    StepName.RESTORE,
}
