"""The network between laptop and host breaks, row by row of the fault matrix."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.rig.faults.laptop import OWN, SPARK, SPARK_TOO
from tests.rig.faults.proxy import late_road
from tests.rig.faults.scene import READY, SCOUT, Stage, passes
from tests.waiting import scaled, wait_until

ROAMED = "10.77.0.9"
CLOCK = "/usr/lib/{}/faketime/libfaketime.so.1"


@pytest.mark.fault("N1")
def test_a_black_hole(stage: Stage) -> None:
    """Nothing comes back, not even a refusal: noticed within 25 s, and nothing is claimed any more."""
    with stage.scene() as scene:
        stage.laptop.lose_everything()
        lost = f"The connection to spark is lost. Last known: {SCOUT}."
        assert scene.shows(lost) <= scaled(25.0)
        scene.shows(f"spark does not answer at {SPARK}. Last known: {SCOUT}.")
        stage.laptop.heal()
        scene.well_again()


@pytest.mark.fault("N3")
def test_a_reset_in_mid_session(stage: Stage) -> None:
    """A firewall ends the connection once; the next one is made at once."""
    with stage.scene() as scene:
        before = scene.logins()
        stage.laptop.refuse(scene.server.port)
        scene.shows("spark is on, but nothing answers")
        stage.laptop.heal()
        scene.well_again()
        assert scene.logins() == before + 1


@pytest.mark.fault("N4")
def test_a_closed_port(stage: Stage) -> None:
    """The host is there and sshd is not: said as such, and not as a host that is away."""
    with stage.scene() as scene:
        port = scene.server.port
        scene.server.stop()
        scene.shows("spark is on, but nothing answers")
        scene.server = stage.rig.sshd(address=SPARK, port=port)
        scene.well_again()


@pytest.mark.fault("N5")
def test_a_host_that_is_off(stage: Stage) -> None:
    """Nobody answers for its address."""
    with stage.scene() as scene:
        stage.laptop.pull_plug()
        scene.shows(f"spark does not answer at {SPARK}. Last known: {SCOUT}.")
        stage.laptop.plug_in()
        scene.well_again()


@pytest.mark.fault("N6")
def test_a_name_that_is_not_known_here(stage: Stage, hosts_file: Path) -> None:
    """A .local name in another network: said with what to do, and well once the name is there."""
    hosts_file.write_text("127.0.0.1 localhost\n", encoding="utf-8")
    name = "spark-1234.local"
    with stage.scene(address=name, begins=f"The name {name} is not known") as scene:
        scene.shows(f"The name {name} is not known")
        hosts_file.write_text(f"127.0.0.1 localhost\n{SPARK} {name}\n", encoding="utf-8")
        scene.well_again()


@pytest.mark.fault("N7")
def test_a_name_that_leads_to_another_machine(stage: Stage, hosts_file: Path) -> None:
    """The answer for the name is another one: its key differs, and nothing is sent to it."""
    hosts_file.write_text(f"127.0.0.1 localhost\n{SPARK} spark.lan\n", encoding="utf-8")
    with stage.scene(address="spark.lan") as scene:
        server = scene.server
        other = stage.rig.sshd(address=SPARK_TOO, port=server.port, host_key_name="other")
        hosts_file.write_text(f"127.0.0.1 localhost\n{SPARK_TOO} spark.lan\n", encoding="utf-8")
        server.drop_sessions()
        scene.shows("The host key of spark has changed")
        assert "userauth" not in other.log() and "Failed" not in other.log()
        assert len(scene.theirs.told) == 1
        scene.calm(1)


@pytest.mark.fault("N8")
def test_an_ipv6_address_without_a_route(stage: Stage, hosts_file: Path) -> None:
    """The name has one, this network none: the other address is taken, without a word."""
    names = f"127.0.0.1 localhost\n2001:db8::7 spark6.lan\n{SPARK} spark6.lan\n"
    hosts_file.write_text(names, encoding="utf-8")
    with stage.scene(address="spark6.lan") as scene:
        scene.server.drop_sessions()
        wait_until(lambda: scene.logins() == 2, "another login", seconds=20)
        scene.well_again()


@pytest.mark.fault("N9")
def test_a_first_address_that_is_silent(stage: Stage, hosts_file: Path) -> None:
    """Two addresses for the name, the first into nowhere: the second is tried 250 ms later."""
    hosts_file.write_text(f"127.0.0.1 localhost\n{SPARK_TOO} two.lan\n{SPARK} two.lan\n", encoding="utf-8")
    with stage.scene(address="two.lan") as scene:
        stage.laptop.lose_everything(SPARK_TOO)
        scene.server.drop_sessions()
        began = time.monotonic()
        wait_until(lambda: scene.logins() == 2, "another login", seconds=20)
        assert time.monotonic() - began <= scaled(3.0)
        scene.well_again()


@pytest.mark.fault("N10")
def test_a_third_of_the_packets_is_lost(stage: Stage) -> None:
    """Slower, but what is shown does not change."""
    with stage.scene() as scene:
        began = time.monotonic()
        stage.laptop.drop("-m", "statistic", "--mode", "random", "--probability", "0.3")
        passes(30.0)
        stage.laptop.heal()
        assert scene.pulse.since(began) == [scene.pulse.said] and scene.logins() == 1
        scene.well_again()


@pytest.mark.fault("N11")
def test_a_road_of_600_ms(stage: Stage) -> None:
    """A satellite, with 400 to 800 ms there and back: nothing is ever called lost."""
    server = stage.sshd()
    with late_road(SPARK_TOO, server.port, SPARK), stage.scene(server, address=SPARK_TOO) as scene:
        began = time.monotonic()
        passes(40.0)
        assert scene.pulse.since(began) == [scene.pulse.said] and scene.logins() == 1
        assert stage.laptop.connections(server) == 1
        scene.calm()


@pytest.mark.fault("N12")
def test_a_narrow_link_with_a_log_that_floods(stage: Stage) -> None:
    """32 kB a second for everything, and a log that would fill it: health stays current."""
    with stage.scene() as scene:
        stage.laptop.narrow("256kbit")
        began = time.monotonic()
        stage.rig.behave_live(30000, log_lines=400)
        passes(20.0)
        assert scene.pulse.since(began) == [scene.pulse.said]
        stage.rig.docker("kill", "sglang")
        scene.shows("No model")
        stage.laptop.heal()
        scene.well_again(begins="No model")


@pytest.mark.fault("N14")
def test_another_address_is_given_to_the_laptop(stage: Stage) -> None:
    """Roaming: a new connection within 10 s, the old one is not kept, nothing is told."""
    with stage.scene() as scene:
        before = scene.logins()
        stage.laptop.move(OWN, ROAMED)
        try:
            wait_until(lambda: scene.logins() > before, "another login", seconds=10)
            scene.well_again(seconds=10.0)
        finally:
            stage.laptop.move(ROAMED, OWN)


@pytest.mark.fault("N15")
def test_a_router_that_forgets_idle_connections(stage: Stage) -> None:
    """Ten seconds without a packet and it drops what follows: the program never is silent for so long."""
    stage.laptop.forget_idle(10)
    with stage.scene() as scene:
        began = time.monotonic()
        passes(35.0)
        assert scene.pulse.since(began) == [scene.pulse.said] and scene.logins() == 1
        scene.well_again()


@pytest.mark.fault("N18")
def test_a_network_that_comes_and_goes(stage: Stage) -> None:
    """Every 3 s for a minute: no notification at all, no storm of connections, and well in the end."""
    with stage.scene() as scene:
        before = scene.logins()
        for _ in range(10):
            stage.laptop.pull_plug()
            passes(3.0)
            stage.laptop.plug_in()
            passes(3.0)
        scene.well_again()
        assert scene.logins() - before <= 10


@pytest.mark.fault("N20")
def test_a_wall_clock_that_steps_by_a_day(stage: Stage, clock: Path) -> None:
    """Forward and back: what happens is seen as quickly as ever, and no age is negative."""
    environment = {
        "LD_PRELOAD": str(next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with stage.scene(environment=environment) as scene:
        for step, state in (("+1d", "stop"), ("-1d", "start"), ("+0d", "stop")):
            clock.write_text(f"{step}\n", encoding="ascii")
            if state == "stop":
                stage.rig.docker("kill", "sglang")
                assert scene.shows("No model") < scaled(10.0)
            else:
                stage.rig.start_sglang()
                assert scene.shows(READY) < scaled(10.0)
        assert not [row for row in scene.item.visible() if "-" in row and " s" in row and "-1" in row]
        scene.well_again(begins="No model")


@pytest.mark.fault("N21")
def test_a_proxy_of_the_company_is_passed_by(stage: Stage) -> None:
    """What the environment says of proxies leads nowhere; the host's own ports are never asked for there."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    with stage.scene(environment=dict.fromkeys(names, "http://127.0.0.1:9")) as scene:
        scene.well_again()
