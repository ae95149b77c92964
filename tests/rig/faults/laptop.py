"""A network of its own for the tray, as a laptop has it: one cable leads to the rig's host."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.rig.sshd import Sshd

NAME = "laptop"
WITHIN = ("nsenter", f"--net=/run/netns/{NAME}")
SPARK = "10.77.0.2"
# Another address of the host, for another machine at it or a second way to the same one.
SPARK_TOO = "10.77.0.3"
OWN = "10.77.0.1"
_OURS, _THEIRS = "plug", "socket"


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (words, done.stderr)


class Laptop:
    """The laptop's network: what breaks it, and what mends it. Faults hit the cable, nothing else."""

    def __init__(self) -> None:
        _run("ip", "netns", "add", NAME)
        _run("ip", "link", "add", _THEIRS, "type", "veth", "peer", "name", _OURS, "netns", NAME)
        for address in (SPARK, SPARK_TOO):
            _run("ip", "addr", "add", f"{address}/24", "dev", _THEIRS)
        _run("ip", "link", "set", _THEIRS, "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "addr", "add", f"{OWN}/24", "dev", _OURS)
        self.plug_in()

    def run(self, *words: str) -> None:
        """Run a command in the laptop's network."""
        _run(*WITHIN, *words)

    def close(self) -> None:
        """Take it down; its end of the cable goes along."""
        _run("ip", "link", "del", _THEIRS)
        _run("ip", "netns", "del", NAME)

    def drop(self, *way: str) -> None:
        """Lose packets that come in, all of them or those that match."""
        self.run("iptables", "-I", "INPUT", "-i", _OURS, *way, "-j", "DROP")

    def lose_everything(self, host: str = SPARK) -> None:
        """A black hole both ways: nothing comes back, not even a refusal."""
        self.run("iptables", "-I", "INPUT", "-s", host, "-j", "DROP")
        self.run("iptables", "-I", "OUTPUT", "-d", host, "-j", "DROP")

    def refuse(self, port: int) -> None:
        """A firewall at the host that answers every packet to a port with a reset."""
        rule = ("-p", "tcp", "--dport", str(port), "-j", "REJECT", "--reject-with", "tcp-reset")
        _run("iptables", "-I", "INPUT", "-i", _THEIRS, *rule)

    def heal(self) -> None:
        """No packet is lost, refused or held back any more."""
        self.run("iptables", "-F")
        subprocess.run(["iptables", "-F", "INPUT"], check=True)
        subprocess.run(
            [*WITHIN, "tc", "qdisc", "del", "dev", _OURS, "root"], capture_output=True, check=False
        )
        subprocess.run(["tc", "qdisc", "del", "dev", _THEIRS, "root"], capture_output=True, check=False)

    def narrow(self, rate: str) -> None:
        """No more than that goes through in each direction, for example 256kbit."""
        shape = ("root", "tbf", "rate", rate, "burst", "4k", "latency", "400ms")
        self.run("tc", "qdisc", "add", "dev", _OURS, *shape)
        _run("tc", "qdisc", "add", "dev", _THEIRS, *shape)

    def forget_idle(self, seconds: int) -> None:
        """A router on the way that forgets a connection after so long without a packet, and then drops it."""
        for name, value in (("loose", 0), ("timeout_established", seconds)):
            self.run("sysctl", "-qw", f"net.netfilter.nf_conntrack_tcp_{name}={value}")
        for chain in ("INPUT", "OUTPUT"):
            self.run("iptables", "-I", chain, "-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP")

    def pull_plug(self) -> None:
        """The host's end of the cable goes down: nobody answers for its address any more."""
        _run("ip", "link", "set", _THEIRS, "down")

    def plug_in(self) -> None:
        """Both ends of the cable are up."""
        _run("ip", "link", "set", _THEIRS, "up")
        self.run("ip", "link", "set", _OURS, "up")

    def move(self, old: str, new: str) -> None:
        """Another address is given out to the laptop, as in another network."""
        self.run("ip", "addr", "del", f"{old}/24", "dev", _OURS)
        self.run("ip", "addr", "add", f"{new}/24", "dev", _OURS)

    def connections(self, server: Sshd) -> int:
        """TCP connections that the laptop holds to that sshd."""
        asked = [*WITHIN, "ss", "-Htn", "state", "established", f"( dport = :{server.port} )"]
        return len(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines())


@contextmanager
def laptop() -> Iterator[Laptop]:
    """The laptop's network, while the block lasts."""
    made = Laptop()
    try:
        yield made
    finally:
        made.heal()
        made.close()
