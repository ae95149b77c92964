"""What a host's Docker does, read by its API and changed by its command: the same on every host.

Each function is one check; it gets a connected host on which it may make containers named below.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from sparktray.domain.docker.answers import event, inspected, listed, seconds
from sparktray.domain.docker.container import Container, ContainerState, Mount, PublishedPort
from sparktray.engines.docker_failures import diagnose_docker
from sparktray.remote.contract import Finished, Remote
from sparktray.remote.errors import Cancelled, DeadlinePassed, DockerAnswered
from sparktray.remote.link import Cancel
from tests.waiting import scaled, wait_until

Check = Callable[[Remote], None]
IMAGE = "lmsysorg/sglang:spark"
MODELS = "/home/sparkuser/ai/models"
ONE = (
    *("--name", "one", "--label", "org.sparktray.server=x", "--label", "a=b=c", "-e", "A=b c"),
    *("-p", "30005:30000", "-v", f"{MODELS}/phi4/phi4-reasoning:/model", "-v", "kept:/kept:ro"),
    *("--restart", "on-failure:3", IMAGE, "sleep", "1000"),
)


def docker(remote: Remote, *words: str) -> Finished:
    """Run the docker command."""
    return remote.run(["docker", *words], deadline=scaled(60))


def made(remote: Remote, *words: str) -> str:
    """The same where it must do well; what it printed."""
    told = docker(remote, *words)
    assert told.exit_code == 0, told.stderr
    return told.stdout.decode().strip()


def found(remote: Remote, name: str) -> Container:
    """A container that must be there."""
    container = inspected(remote.docker.inspect(name))
    assert container is not None
    return container


def refused(told: Finished, exit_code: int, meaning: str | None = None) -> None:
    """It failed in the way that is known."""
    assert told.exit_code == exit_code, (told.exit_code, told.stderr)
    assert told.stderr
    problem = diagnose_docker(told.stderr.decode())
    assert (problem.code if problem is not None else None) == meaning, told.stderr


def a_container_is_described(remote: Remote) -> None:
    """Every field that this program reads, of the list and of the details."""
    identity = made(remote, "run", "-d", *ONE)
    one = found(remote, "one")
    assert one.id == found(remote, identity[:12]).id  # Docker gives the mounts in any order
    assert (one.id, one.name, one.image, one.state) == (identity, "one", IMAGE, ContainerState.RUNNING)
    assert one.argv == ("sleep", "1000")
    assert one.labels.items() >= {"org.sparktray.server": "x", "a": "b=c"}.items()
    assert {(port.port, port.container_port) for port in one.ports} == {(30005, 30000)}
    assert {mount.destination: (mount.volume, mount.source.startswith("/")) for mount in one.mounts} == {
        "/model": (None, True),
        "/kept": ("kept", True),
    }
    assert Mount(f"{MODELS}/phi4/phi4-reasoning", "/model") in one.mounts
    assert (one.network, one.restart_policy, one.auto_remove) in {
        ("bridge", "on-failure:3", False),
        ("default", "on-failure:3", False),
    }
    assert one.started_at is not None
    assert (one.exit_code, one.error, one.tty, one.oom_killed, one.restarts) == (None, "", False, False, 0)
    host_time = seconds(remote.docker.info()["SystemTime"])
    assert host_time is not None
    assert -1 < host_time - one.started_at < scaled(30)
    mine = next(each for each in listed(remote.docker.containers()) if each.id == identity)
    assert (mine.name, mine.image, mine.state) == ("one", IMAGE, ContainerState.RUNNING)
    assert PublishedPort(30005, 30000) in mine.ports
    assert (mine.labels["a"], mine.argv) == ("b=c", ("sleep", "1000"))
    entry = next(each for each in remote.docker.containers() if each["Id"] == identity)
    assert "kept" in {mount.get("Name") for mount in entry["Mounts"]}


def what_is_not_there(remote: Remote) -> None:
    """None, or an answer with its status."""
    assert remote.docker.inspect("nobody") is None
    assert remote.docker.image("nobody/nothing:nowhere") is None
    with pytest.raises(DockerAnswered) as caught:
        remote.docker.get("/containers/nobody/json")
    assert (caught.value.status, "No such container" in caught.value.details["message"]) == (404, True)
    with pytest.raises(DockerAnswered) as caught:
        remote.docker.logs("nobody", tail=5)
    assert caught.value.status == 404
    with pytest.raises(DockerAnswered) as caught:
        remote.docker.get("/nothing/like/that")
    assert caught.value.status == 404


def images_and_the_engine(remote: Remote) -> None:
    """By tag, and all of them."""
    image = remote.docker.image(IMAGE)
    assert image is not None
    assert IMAGE in image["RepoTags"]
    assert remote.docker.image(image["Id"]) is not None
    images = remote.docker.get("/images/json")
    assert isinstance(images, list)
    assert IMAGE in {tag for each in images for tag in each["RepoTags"] or ()}
    info = remote.docker.info()
    assert isinstance(info["NCPU"], int)
    assert isinstance(info["MemTotal"], int)
    assert info["ServerVersion"] and info["Architecture"]


def create_start_stop_remove(remote: Remote) -> None:
    """The life of a container, and what the command prints and ends with."""
    identity = made(remote, "create", *ONE)
    assert found(remote, identity).state is ContainerState.CREATED
    assert found(remote, identity).started_at is None
    assert made(remote, "start", "one") == "one"
    assert made(remote, "start", "one") == "one"
    assert made(remote, "rename", "one", "two") == ""
    assert found(remote, identity).name == "two"
    assert made(remote, "update", "--restart=no", "two") == "two"
    assert found(remote, "two").restart_policy == "no"
    refused(docker(remote, "rm", "two"), 1)
    assert made(remote, "stop", "-t", "1", "two") == "two"
    over = found(remote, "two")
    assert (over.state, over.exit_code) == (ContainerState.EXITED, 137)
    assert over.finished_at is not None
    assert made(remote, "stop", "-t", "1", "two") == "two"
    assert made(remote, "start", "two") == "two"
    assert found(remote, "two").exit_code is None
    assert made(remote, "rm", "-f", "two") == "two"
    assert remote.docker.inspect(identity) is None


def one_that_removes_itself(remote: Remote) -> None:
    """With ``--rm`` it is gone after its end."""
    made(remote, "run", "-d", "--rm", "--name", "one", IMAGE, "sleep", "1000")
    assert found(remote, "one").auto_remove
    made(remote, "stop", "-t", "0", "one")
    wait_until(lambda: remote.docker.inspect("one") is None, "it to be gone")


def refusals_of_the_command(remote: Remote) -> None:
    """Exit codes, and texts that this program understands."""
    made(remote, "run", "-d", *ONE)
    refused(docker(remote, "create", *ONE), 1, "name-taken")
    refused(docker(remote, "run", "-d", *ONE), 125, "name-taken")
    refused(docker(remote, "run", "-d", "--gpuz", "all", IMAGE), 125, "docker-args")
    refused(docker(remote, "run", "--pull", "never", "nobody/nothing:nowhere"), 125, "image-missing")
    for verb in (("stop", "-t", "1"), ("start",), ("rm",), ("update", "--restart=no")):
        refused(docker(remote, *verb, "nobody"), 1, "container-gone")
    refused(docker(remote, "rename", "nobody", "two"), 1, "container-gone")
    made(remote, "create", "--name", "two", IMAGE, "true")
    refused(docker(remote, "rename", "two", "one"), 1, "name-taken")
    assert docker(remote, "nonsense").exit_code not in {0, None}
    assert remote.run(["no-such-program"], deadline=scaled(10)).exit_code == 127


def a_port_that_is_held(remote: Remote) -> None:
    """The container is made and does not start, and says why."""
    made(remote, "run", "-d", *ONE)
    told = docker(remote, "run", "-d", "--name", "two", "-p", "30005:30000", IMAGE, "sleep", "1000")
    refused(told, 125, "port-taken")
    other = found(remote, "two")
    assert (other.state, other.started_at) == (ContainerState.CREATED, None)
    refused(docker(remote, "start", "two"), 1, "port-taken")
    made(remote, "stop", "-t", "0", "one")
    assert made(remote, "start", "two") == "two"


def a_program_that_the_image_lacks(remote: Remote) -> None:
    """The wrong image for a command."""
    told = docker(remote, "run", "-d", "--name", "two", IMAGE, "no-such-program")
    refused(told, 127, "command-missing")
    assert found(remote, "two").state is ContainerState.CREATED


def volumes(remote: Remote) -> None:
    """Made with labels, in use, gone."""
    assert made(remote, "volume", "create", "--label", "a=b", "--label", "c=d", "kept") == "kept"
    assert made(remote, "volume", "create", "kept") == "kept"
    there = remote.docker.get("/volumes")
    assert isinstance(there, dict)
    kept = next(each for each in there["Volumes"] if each["Name"] == "kept")
    assert kept["Labels"] == {"a": "b", "c": "d"}
    made(remote, "create", *ONE)
    refused(docker(remote, "volume", "rm", "kept"), 1, "volume-held")
    made(remote, "rm", "one")
    assert made(remote, "volume", "rm", "kept") == "kept"
    assert docker(remote, "volume", "rm", "kept").exit_code == 1


def events_of_a_life(remote: Remote) -> None:
    """In order, with name and exit code; and again from an instant."""
    wanted = {"create", "start", "rename", "die", "destroy"}
    seen: list[tuple[str, str, int | None]] = []
    with remote.docker.events() as stream:

        def follow() -> None:
            for answer in stream:
                told = event(answer)
                if told is not None and told.action in wanted and told.name in {"one", "two"}:
                    seen.append((told.action, told.name, told.exit_code))

        thread = threading.Thread(target=follow)
        thread.start()
        made(remote, "run", "-d", *ONE)
        created = found(remote, "one").started_at
        made(remote, "rename", "one", "two")
        made(remote, "stop", "-t", "0", "two")
        made(remote, "rm", "two")
        wait_until(lambda: ("destroy", "two", None) in seen, "the last event")
    thread.join(scaled(5))
    assert not thread.is_alive()
    assert seen == [
        ("create", "one", None),
        ("start", "one", None),
        ("rename", "two", None),
        ("die", "two", 137),
        ("destroy", "two", None),
    ]
    assert created is not None
    with remote.docker.events(since=created - 1) as again:
        replayed = (event(answer) for answer in again)
        told = next(each for each in replayed if each is not None and each.name == "one")
    assert told.action in wanted


def made_anew_from_its_description(remote: Remote) -> None:
    """The one change by API."""
    made(remote, "create", *ONE)
    before = remote.docker.inspect("one")
    assert before is not None
    made(remote, "rm", "one")
    body = {**before["Config"], "HostConfig": before["HostConfig"]}
    identity = remote.docker.create_container("one", body)
    after = remote.docker.inspect("one")
    assert after is not None
    assert after["Id"] == identity
    assert after["Config"]["Env"] == before["Config"]["Env"]
    assert after["HostConfig"]["RestartPolicy"] == before["HostConfig"]["RestartPolicy"]
    with pytest.raises(DockerAnswered) as caught:
        remote.docker.create_container("one", body)
    assert caught.value.status == 409


def commands_that_do_not_end(remote: Remote) -> None:
    """A deadline and a person end them, and the container that is attached."""
    endless = ("docker", "run", "--rm", "--name", "one", IMAGE, "sleep", "1000")
    with pytest.raises(DeadlinePassed):
        remote.run(endless, deadline=scaled(2))
    remote.run(["docker", "rm", "-f", "one"], deadline=scaled(20))
    wait_until(lambda: remote.docker.inspect("one") is None, "it to be gone")
    cancel = Cancel()

    def cancel_once_it_runs() -> None:
        wait_until(lambda: remote.docker.inspect("one"), "it to run")
        cancel.set()

    threading.Thread(target=cancel_once_it_runs).start()
    with pytest.raises(Cancelled):
        remote.run(endless, deadline=scaled(60), cancel=cancel)


CHECKS: tuple[Check, ...] = (
    a_container_is_described,
    what_is_not_there,
    images_and_the_engine,
    create_start_stop_remove,
    one_that_removes_itself,
    refusals_of_the_command,
    a_port_that_is_held,
    a_program_that_the_image_lacks,
    volumes,
    events_of_a_life,
    made_anew_from_its_description,
    commands_that_do_not_end,
)
