"""The person's SSH files, which programs and people have written to for years."""

from __future__ import annotations

from hypothesis import strategies as st

from sparktray.domain.host import HostProfile, valid_address, valid_user
from sparktray.remote.contract import SshTarget
from sparktray.remote.ssh_files.config import read_config
from sparktray.remote.ssh_files.known_hosts import read_known_hosts
from sparktray.remote.ssh_files.lookup import settings_for
from sparktray.remote.ssh_files.nvidia_sync import MAX_OFFERED, offered_hosts
from sparktray.remote.ssh_files.target import target_for
from tests.unit.fuzz.fuzzing import corpus, fuzz
from tests.unit.fuzz.mutating import changed
from tests.unit.remote.openssh import PERSON, in_memory

CONFIGS = corpus("ssh-config")
KEYS = corpus("known-hosts")
WORDS = [
    *(
        b"Host *\n",
        b"Match all\n",
        b"Match exec id\n",
        b"Include ~/.ssh/config\n",
        b"Include *\n",
        b"Port 0\n",
    ),
    *(b"HostName -oProxyCommand=x\n", b"User a b\n", b"ProxyJump a,b,c\n", b"%h%h%h%%", b"${HOME}", b"!*,"),
]
KEY_WORDS = [b"@revoked ", b"@cert-authority ", b"|1|", b"[", b"]:22", b"*", b"?", b"!", b" ssh-rsa ", b","]


def safe(target: SshTarget) -> None:
    """Nothing in it could be taken for an option or for shell text."""
    assert valid_address(target.address)
    # A host on the way is looked up as it is written: to leave it out would be to go past it.
    for each in (target, *target.jumps):
        assert 0 < each.port < 65_536
        assert each.user == PERSON.user or valid_user(each.user)
        assert not set(each.trusted) & set(each.revoked)


@fuzz(
    "ssh_config",
    st.tuples(changed(CONFIGS, WORDS), changed(CONFIGS, WORDS), changed(KEYS, KEY_WORDS)),
    examples=50,
    first=[(own, other, keys) for own in CONFIGS for other in CONFIGS for keys in KEYS],
)
def test_configurations(files: tuple[bytes, bytes, bytes]) -> None:
    own, other, keys = files
    config = in_memory(
        {
            "/home/me/.ssh/config": own,
            "/home/me/.ssh/spark.conf": other,
            "/home/me/.config/NVIDIA/Sync/config/ssh_config": other,
            "/etc/ssh/ssh_config": other,
        }
    )
    known = in_memory({"/home/me/.ssh/known_hosts": keys, "/etc/ssh/ssh_known_hosts": keys})
    for name in ("spark", "gb10-1", "spark-1a2b.local", "192.168.1.50"):
        settings_for(read_config(PERSON, config), name)
        safe(target_for(HostProfile("spark", name), PERSON, config, known))
    offered = offered_hosts(PERSON, config)
    assert len(offered) <= MAX_OFFERED
    for each in offered:
        assert valid_address(each.alias) and valid_address(each.settings.address)
        assert each.settings.user is None or valid_user(each.settings.user)


@fuzz("known_hosts", changed(KEYS, KEY_WORDS), examples=200, first=KEYS)
def test_known_hosts(data: bytes) -> None:
    for name, port in (("spark", 22), ("spark", 2222), ("192.168.1.50", 22), ("a.lan", 22)):
        found = read_known_hosts(PERSON, in_memory({"/home/me/.ssh/known_hosts": data}), name, port)
        assert not set(found.trusted) & set(found.revoked)
        for key in (*found.trusted, *found.revoked):
            assert key.fingerprint.startswith("SHA256:") and len(key.fingerprint) == 50
            assert key.key_type.isascii()
