"""The version that the Explorer shows of sparktray.exe, in the form that PyInstaller reads.

https://learn.microsoft.com/windows/win32/menurc/versioninfo-resource
"""

from __future__ import annotations

import re

_TEXT = """VSVersionInfo(
  ffi=FixedFileInfo(
    filevers={numbers}, prodvers={numbers}, mask=0x3F, flags={flags}, OS=0x40004, fileType=0x1
  ),
  kids=[
    StringFileInfo([StringTable("040904B0", [{strings}
    ])]),
    VarFileInfo([VarStruct("Translation", [0x0409, 0x04B0])]),
  ],
)
"""
_PRERELEASE = 0x2


def version_file(version: str, program: str) -> str:
    """The text of the file for that version of ``program`` (without .exe); ValueError for no version."""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?(.*)$", version)
    if found is None:
        raise ValueError(f"{version!r} is no version")
    numbers = (*(int(part or 0) for part in found.groups()[:3]), 0)
    strings = {
        "CompanyName": "the sparktray authors",
        "FileDescription": "sparktray",  # the name in the Task Manager and in Windows' own notifications
        "FileVersion": version,
        "InternalName": program,
        "LegalCopyright": "MIT licence; bundled parts: see the folder licenses",
        "OriginalFilename": f"{program}.exe",
        "ProductName": "sparktray",
        "ProductVersion": version,
    }
    lines = "".join(f"\n      StringStruct({key!r}, {value!r})," for key, value in strings.items())
    return _TEXT.format(numbers=numbers, flags=_PRERELEASE if found[4] else 0, strings=lines)
