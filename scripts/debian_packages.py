"""See to it that the Debian packages are installed which a step of make needs.

Usage: `python3 scripts/debian_packages.py setup|rig|screenshots|frozen`. Runs with the system's Python,
before there is an environment. Ends 0 at once when nothing is missing; installs as root or with password-less
sudo; otherwise prints the exact command and ends 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

SETUP = ("python3-venv",)
RIG = (
    # Docker Engine and OpenSSH, the real parts of the rig, and what its images are made from
    "docker.io", "iptables", "openssh-server", "openssh-client", "debootstrap", "iproute2",
    "busybox-static", "procps",
    # What Qt's xcb platform plug-in loads
    "libegl1", "libgl1", "libxkbcommon-x11-0", "libxcb-cursor0", "libxcb-icccm4", "libxcb-keysyms1",
    "libxcb-image0", "libxcb-render-util0", "libxcb-shape0", "libdbus-1-3", "libfontconfig1",
    # The desktop of the tray's tests: an X server, a session bus, and who reads the clipboard
    "xvfb", "dbus", "xclip",
    # A real panel and a real notification service, the mouse, and what takes a picture of the screen
    "xfce4-panel", "dunst", "xdotool", "x11-apps",
    # A Wayland compositor without a screen, who reads the clipboard there, and a keyboard
    "sway", "wl-clipboard", "wtype",
    # A real Secret Service, and Docker that needs sudo
    "gnome-keyring", "sudo",
    # A client whose settings are tried out
    "curl",
    # Who reads the files for a system's share folder
    "desktop-file-utils", "appstream", "mandoc", "man-db", "groff-base", "fish", "zsh",
    # A wall clock that steps, and other languages' ways with letters
    "libfaketime", "locales",
)  # fmt: skip
# The font of the pictures, and what makes them small
SCREENSHOTS = (*RIG, "fonts-inter", "pngquant")
# What PyInstaller and the spec look into libraries with
FROZEN = ("binutils",)
SETS = {"setup": SETUP, "rig": RIG, "screenshots": SCREENSHOTS, "frozen": FROZEN}

# A program that does just as well as the package: Docker's own packages conflict with Debian's.
INSTEAD = {"docker.io": "dockerd", "binutils": "strip"}

# --no-remove: nothing of the machine gives way to the tests.
APT = ("apt-get", "install", "--yes", "--no-install-recommends", "--no-remove")


def missing(packages: tuple[str, ...]) -> list[str]:
    """Those of `packages` that dpkg does not call installed."""
    asked = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${Package}\t${db:Status-Status}\n", *packages],
        capture_output=True,
        text=True,
        check=False,  # it ends 1 when it does not know one of them
    )
    installed = {line.split("\t")[0] for line in asked.stdout.splitlines() if line.endswith("\tinstalled")}
    return [name for name in packages if name not in installed and not _replaced(name)]


def _replaced(package: str) -> bool:
    program = INSTEAD.get(package)
    # Daemons lie in sbin, which is not on everybody's PATH.
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
    return program is not None and shutil.which(program, path=path) is not None


def install(packages: list[str]) -> int:
    """Install by apt-get, as root or with sudo that asks nothing; 1 with the command printed otherwise."""
    command = [*APT, *packages]
    if os.geteuid() == 0:
        before: list[str] = []
    elif _sudo_asks_nothing():
        before = ["sudo", "-n"]
    else:
        print("Some Debian packages are missing. Install them with:\n", file=sys.stderr)
        print(f"    sudo apt-get update && sudo {' '.join(command)}\n", file=sys.stderr)
        return 1
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update"], command):
        ended = subprocess.run([*before, *step], env=environment, check=False).returncode
        if ended != 0:
            print(f"\n{' '.join([*before, *step])} ended with code {ended}", file=sys.stderr)
            return 1
    return 0


def _sudo_asks_nothing() -> bool:
    if shutil.which("sudo") is None:
        return False
    return subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0


def main(arguments: list[str]) -> int:
    """Check and install the named set."""
    if len(arguments) != 1 or arguments[0] not in SETS:
        print(f"usage: debian_packages.py {'|'.join(SETS)}", file=sys.stderr)
        return 2
    packages = SETS[arguments[0]]
    if all(_replaced(name) for name in packages):
        return 0  # also on a Linux that is neither of the two
    if shutil.which("dpkg-query") is None or shutil.which("apt-get") is None:
        print(
            "This needs a Debian or Ubuntu system, or the parts that these Debian packages hold:\n\n"
            f"    {' '.join(packages)}",
            file=sys.stderr,
        )
        return 1
    absent = missing(packages)
    return install(absent) if absent else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
