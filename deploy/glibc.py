"""Checks that binaries need no symbol newer than the glibc of Lambda's provided.al2023, which is 2.34.

    python glibc.py BINARY…

A newer one is refused when the function starts, on Lambda alone: nothing else would tell before the deployment.
"""

import pathlib
import re
import sys

from elftools.elf.elffile import ELFFile

NEWEST = (2, 34)


def needed(path):
    """The versions of glibc that a binary's symbols ask for, each with the library it comes from."""
    with open(path, "rb") as file:
        section = ELFFile(file).get_section_by_name(".gnu.version_r")
        for library, versions in section.iter_versions() if section else []:
            for version in versions:
                found = re.fullmatch(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?", version.name)
                if found:
                    yield tuple(map(int, found.groups())), library.name


def check(path):
    """The newest version that a binary needs, as text. Ends the program if it is too new."""
    versions = sorted(needed(path))
    too_new = [f"GLIBC_{major}.{minor} of {library}" for (major, minor), library in versions if (major, minor) > NEWEST]
    if too_new:
        sys.exit(f"{path} needs {', '.join(too_new)}; provided.al2023 has glibc {'.'.join(map(str, NEWEST))}")
    return "GLIBC_%d.%d" % versions[-1][0] if versions else "no glibc"


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python glibc.py BINARY…")
    for argument in map(pathlib.Path, sys.argv[1:]):
        print(f"{argument}: {check(argument)}")
