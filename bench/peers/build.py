"""Makes of each peer what its users deploy: `target/peers/NAME/{task,arm64,sizes.json}`, and a picture to work on.

`task` is what is run here, `arm64` what is measured for its size. Each is made anew only if something in it changed.
"""

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import zipfile

HERE = pathlib.Path(__file__).parent
OUT = HERE.parent.parent / "target" / "peers"
PIP = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
ARM64 = ["--platform", "manylinux2014_aarch64", "--platform", "manylinux_2_28_aarch64", "--python-version", VERSION]


def install(peer, folder, *more):
    """The peer's pinned requirements, all named, and its handler."""
    requirements = HERE / peer / "requirements.txt"
    folder.mkdir(parents=True)
    if any(line and not line.startswith("#") for line in requirements.read_text().splitlines()):
        subprocess.run([*PIP, "-r", requirements, "--target", folder, *more], check=True)
    shutil.copy(HERE / peer / "handler.py", folder)
    # Command lines are no part of a function.
    shutil.rmtree(folder / "bin", ignore_errors=True)


def pack(folder, to):
    """A zip of it, without compiled bytecode; gives the bytes of the files and of the zip."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zip_:
        for path in files:
            zip_.write(path, path.relative_to(folder))
    return sum(path.stat().st_size for path in files), to.stat().st_size


def build(peer):
    folder = OUT / peer
    digest = hashlib.sha256(sys.version.encode())
    for path in (pathlib.Path(__file__), HERE / peer / "handler.py", HERE / peer / "requirements.txt"):
        digest.update(path.read_bytes())
    stamp = folder / "stamp"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    print(f"peers: {peer}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    install(peer, folder / "task")
    # The bytecode that a user can ship, and that Lambda, where the folder is read-only, cannot keep.
    subprocess.run([sys.executable, "-m", "compileall", "-q", folder / "task"], check=False)
    install(peer, folder / "arm64", "--only-binary=:all:", "--no-compile", *ARM64)
    unzipped, zipped = pack(folder / "arm64", folder / "function.zip")
    (folder / "sizes.json").write_text(json.dumps({"unzipped_bytes": unzipped, "zip_bytes": zipped}) + "\n")
    stamp.write_text(digest.hexdigest())


def main():
    for peer in sorted(path.parent.name for path in HERE.glob("*/handler.py")):
        build(peer)
    picture = OUT / "picture.jpg"
    if not picture.exists():
        search = {"PYTHONPATH": str(OUT / "images" / "task")}
        subprocess.run([sys.executable, HERE / "picture.py", picture], check=True, env=search)


if __name__ == "__main__":
    main()
