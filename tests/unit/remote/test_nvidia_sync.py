"""Hosts from the SSH configuration that are offered to a person."""

from __future__ import annotations

from sparktray.remote.ssh_files.nvidia_sync import MAX_OFFERED, OfferedHost, offered_hosts
from sparktray.remote.ssh_files.reading import Person
from tests.unit.remote.openssh import PERSON, in_memory

OWN = "/home/me/.ssh/config"
LINUX = "/home/me/.config/NVIDIA/Sync/config"
MACOS = "/home/me/Library/Application Support/NVIDIA/Sync/config"
WINDOWS = r"C:\Users\me\AppData\Local\NVIDIA Corporation\Sync\config"


def of_sync(folder: str, separator: str = "/", alias: str = "sync-192_168_0_69") -> str:
    """As Sync writes a device."""
    return (
        f"Host {alias}\n  Hostname 192.168.0.69\n  User nv\n  Port 22\n"
        f'  IdentityFile "{folder}{separator}nvsync.key"\n'
    )


def offered(own: str = "", **others: str) -> tuple[OfferedHost, ...]:
    """``own``: ~/.ssh/config; others by where they lie: Sync's on ``linux`` or ``macos``, or ``/name``."""
    places = {"linux": f"{LINUX}/ssh_config", "macos": f"{MACOS}/ssh_config"}
    files = {places.get(name, f"/{name}"): text.encode() for name, text in others.items()}
    return offered_hosts(PERSON, in_memory({OWN: own.encode(), **files}))


def names(*hosts: OfferedHost) -> list[tuple[str, bool]]:
    return [(host.alias, host.of_sync) for host in hosts]


def test_sync_by_its_include_on_linux_and_macos() -> None:
    for name, folder in (("linux", LINUX), ("macos", MACOS)):
        own = f'Include "{folder}/ssh_config"\n\nHost nas\n  HostName 10.0.0.2\n'
        found = offered(own=own, **{name: of_sync(folder)})
        assert names(*found) == [("sync-192_168_0_69", True), ("nas", False)]
        settings = found[0].settings
        assert (settings.address, settings.user, settings.port) == ("192.168.0.69", "nv", 22)
        assert settings.identity_files == (f"{folder}/nvsync.key",)


def test_sync_on_windows() -> None:
    """Its folder lies where LOCALAPPDATA says; the key keeps its backslashes."""
    person = Person("/home/me", "me", {"LOCALAPPDATA": r"C:\Users\me\AppData\Local"})
    files = {rf"{WINDOWS}\ssh_config": of_sync(WINDOWS, "\\").encode()}
    found = offered_hosts(person, in_memory(files))
    assert names(*found) == [("sync-192_168_0_69", True)]
    assert found[0].settings.identity_files == (rf"{WINDOWS}\nvsync.key",)


def test_sync_without_its_include() -> None:
    """A person took it out, or it stands below a Host line, where it counts for that host only."""
    for own in ("", "# Include x\nHost nas\n", f'Host nas\n  User a\nInclude "{LINUX}/ssh_config"\n'):
        found = offered(own=own, linux=of_sync(LINUX))
        assert names(*found)[0] == ("sync-192_168_0_69", True)
        assert found[0].settings.address == "192.168.0.69"


def test_an_alias_of_ones_own_with_syncs_key() -> None:
    own = (
        f'Host nas\n HostName 10.0.0.2\nHost spark\n HostName 10.0.0.9\n IdentityFile "{LINUX}/nvsync.key"\n'
    )
    assert names(*offered(own=own)) == [("spark", True), ("nas", False)]


def test_the_persons_own_lines_go_before_syncs() -> None:
    found = offered(own="Host sync-*\n  User other\nHost *\n Port 2222\n", linux=of_sync(LINUX))
    assert names(*found) == [("sync-192_168_0_69", True)]
    assert (found[0].settings.user, found[0].settings.port) == ("other", 2222)


def test_each_machine_once() -> None:
    text = (
        "Host spark spark.lan 10.0.0.9\n HostName 10.0.0.9\n User nv\nHost two\nHost TWO\nHost two\n User b\n"
    )
    # "two" is one name on two lines; "TWO" is the same machine as another user.
    assert names(*offered(own=text)) == [("spark", False), ("two", False), ("TWO", False)]
    both = offered(
        own=f"Host mine\n HostName 192.168.0.69\n User nv\n Port 22\nInclude {LINUX}/*\n",
        linux=of_sync(LINUX),
    )
    assert names(*both) == [("sync-192_168_0_69", True)]


def test_only_names_without_wildcards() -> None:
    text = 'Host * *.lan sp?rk !not good "also good"\nMatch host x\n User a\nHost\nHost "\n'
    assert names(*offered(own=text)) == [("good", False)]


def test_what_could_be_an_option_or_shell_text_is_not_offered() -> None:
    text = (
        "Host -oProxyCommand=x\n HostName fine.lan\n"
        "Host a;b\nHost $(c)\nHost d\n HostName -x\nHost e\n HostName a|b\n"
        "Host f\n User -l\nHost g\n User a;b\nHost h\u202e\nHost fine\n User ok\n"
    )
    assert names(*offered(own=text)) == [("fine", False)]


def test_services_for_code_are_no_hosts() -> None:
    assert offered(own="Host github.com gitlab\n User git\n") == ()


def test_names_in_included_files() -> None:
    text = "Include /x\nHost only\n Include /y\nMatch host *\n Include /z\n"
    found = offered(text, x="Host in-x\n", y="Host only\n User a\nHost never\n", z="Host no\n")
    assert names(*found) == [("in-x", False), ("only", False)]


def test_never_more_than_a_person_can_choose_from() -> None:
    own = "".join(f"Host h{number}\n" for number in range(5000))
    found = offered(own=own, linux=of_sync(LINUX))
    assert len(found) == MAX_OFFERED
    assert names(*found)[:2] == [("sync-192_168_0_69", True), ("h0", False)]


def test_nothing_there() -> None:
    assert offered() == ()
    assert offered_hosts(PERSON, in_memory({})) == ()
