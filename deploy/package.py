"""Builds functions for AWS Lambda: for each a bootstrap.zip, the same bytes for the same bootstrap.

    target/package/<architecture>/<function>/bootstrap       the binary
    target/package/<architecture>/<function>/bootstrap.zip   what Lambda takes

Each function is built by itself (`cargo lambda build -p`): built together, each would carry the features that any of
them needs.
"""

import argparse
import json
import os
import pathlib
import struct
import subprocess
import sys
import zlib

import zopfli.zlib

import glibc

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
# Where the standard library of a target may be: rustup's own toolchain, or Debian's as deploy/setup.sh links it.
TOOLCHAINS = ["", "+debian"]


def functions():
    """The names of all functions: a crate each under functions/."""
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1", "--locked"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    folders = {pathlib.Path(package["manifest_path"]).parent: package["name"] for package in metadata["packages"]}
    return sorted(name for folder, name in folders.items() if folder.parent == ROOT / "functions")


# Not a function of Longshore: what `make bench-cold` compares the functions with.
BARE = "hello-bare"


def chosen(names):
    """The functions of these names; all of them without a name."""
    known = functions()
    for name in names:
        if name not in [*known, BARE]:
            sys.exit(f"{name} is no function; there are {', '.join(known)}")
    return names or known


def toolchain(target):
    """The cargo argument that chooses a toolchain with this target."""
    for name in TOOLCHAINS:
        command = ["rustc", *filter(None, [name]), "--print", "target-libdir", "--target", target]
        asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if asked.returncode == 0 and pathlib.Path(asked.stdout.strip()).is_dir():
            return name
    sys.exit(f"missing: the Rust target {target}: `make setup` installs it")


def build(function, architecture, packages):
    target = TARGETS[architecture]
    choice = toolchain(target)
    flag = {"arm64": "--arm64", "x86_64": "--x86-64"}[architecture]
    command = ["cargo", *filter(None, [choice]), "lambda", "build", "--release", flag, "--locked", "-p", function]
    # The check asks rustup, which knows nothing of Debian's targets; ours is done above.
    command += ["--skip-target-check", "--lambda-dir", str(packages)]
    print("+", " ".join(command), flush=True)
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        sys.exit(f"{function}: the build failed")
    return packages / function / "bootstrap"


def pack(bootstrap):
    """Writes the zip beside the bootstrap."""
    path = bootstrap.with_name("bootstrap.zip")
    temporary = path.with_suffix(".zip.new")
    temporary.write_bytes(archive(bootstrap.read_bytes()))
    os.replace(temporary, path)
    return path


def archive(content):
    """A zip of one file, `bootstrap` (APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16).

    Python's zipfile takes no compressed bytes from elsewhere, and zopfli makes 3 % fewer of them than zlib at its best.
    """
    name = b"bootstrap"
    # Between the header of zlib's format and its checksum lies what a zip holds.
    deflated = zopfli.zlib.compress(content, numiterations=3)[2:-4]
    needs, flags, method = 20, 0, 8
    # The earliest day that a zip can tell, 1980-01-01: what was built when must not change the bytes.
    time, date = 0, 1 << 5 | 1
    about = struct.pack(
        "<5H3L2H", needs, flags, method, time, date, zlib.crc32(content), len(deflated), len(content), len(name), 0
    )
    local = b"PK\x03\x04" + about + name + deflated
    made_by_unix, mode = 3 << 8 | needs, 0o100755 << 16
    central = b"PK\x01\x02" + struct.pack("<H", made_by_unix) + about + struct.pack("<3H2L", 0, 0, 0, mode, 0) + name
    end = b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 1, 1, len(central), len(local), 0)
    return local + central + end


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", choices=TARGETS, default="arm64")
    parser.add_argument("function", nargs="*", help="which ones; all of them by default")
    arguments = parser.parse_args()
    packages = ROOT / "target" / "package" / arguments.arch
    rows = []
    for name in chosen(arguments.function):
        bootstrap = build(name, arguments.arch, packages)
        newest = glibc.check(bootstrap)
        rows.append((name, bootstrap.stat().st_size, pack(bootstrap).stat().st_size, newest))
    print(f"\n{arguments.arch}      bootstrap   bootstrap.zip   needs")
    for name, binary_bytes, zip_bytes, newest in rows:
        print(f"{name:10} {binary_bytes / 1e6:6.2f} MB      {zip_bytes / 1e6:6.2f} MB     {newest}")
    print(f"in {packages.relative_to(ROOT)}/FUNCTION/bootstrap.zip")


if __name__ == "__main__":
    main()
