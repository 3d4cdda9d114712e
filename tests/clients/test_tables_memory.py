"""What `tables` takes of memory, on two threads and with all outputs: under 256 MB, whatever the file is.

Runs the `convert` example named by TABLES_CONVERT, as `test_tables.py` does, and reads the peak that the kernel counted.
"""

import json
import os
import random
import subprocess
import sys

import pytest

CONVERT = os.environ.get("TABLES_CONVERT")
pytestmark = pytest.mark.skipif(not CONVERT, reason="TABLES_CONVERT names no convert binary")

MOST_MB = 256
# A process counts the memory of the one that started it, until it becomes its own program: this one is small.
LAUNCH = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss // 1024)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak_mb(source, folder):
    command = [sys.executable, "-I", "-S", "-c", LAUNCH, CONVERT, "--threads", "2", str(source), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def sparse(keys):
    """Records of five keys of many."""
    chance = random.Random(1)
    for _ in range(60_000):
        yield json.dumps({f"key_{key}": chance.random() for key in chance.sample(range(keys), 5)}) + "\n"


def lonely(keys):
    """Records of one key of many, each of another text."""
    chance = random.Random(4)
    for number in range(500_000):
        yield f'{{"key_{chance.randrange(keys)}":"value {number}"}}\n'


def lists(keys):
    """Records of one list of many."""
    chance = random.Random(5)
    for number in range(100_000):
        yield f'{{"key_{chance.randrange(keys)}":[{number}]}}\n'


def long_lists(items):
    """Records of a list of many short items."""
    chance = random.Random(6)
    for _ in range(40):
        yield json.dumps({"a": [chance.randrange(10) for _ in range(items)]}, separators=(",", ":")) + "\n"


def empty_items(fields):
    """A list of objects that lack what one of them has."""
    yield json.dumps({"a": [{f"x{field}": field for field in range(fields)}]}) + "\n"
    for items in (1_000, 100_000, 300_000):
        yield json.dumps({"a": [{}] * items}, separators=(",", ":")) + "\n"


def long_texts(columns):
    """Texts of up to 100 kB."""
    chance = random.Random(7)
    for _ in range(1_000):
        texts = {f"c{column}": f"{chance.random()}" * chance.randrange(5_000) for column in range(columns)}
        yield json.dumps(texts) + "\n"


def maps(keys):
    """Names for data, in an object within the record."""
    chance = random.Random(2)
    for number in range(60_000):
        inner = {f"key_{key}": chance.random() for key in chance.sample(range(keys), 5)}
        yield json.dumps({"id": number, "map": inner}) + "\n"


def empties(keys):
    """Records of which one has all the keys, and the others none."""
    yield json.dumps({f"key_{key}": key for key in range(keys)}) + "\n"
    for _ in range(400_000):
        yield "{}\n"


def wide(columns):
    """Texts that are all different."""
    chance = random.Random(3)
    yield ",".join(f"c{column}" for column in range(columns)) + "\n"
    for _ in range(2_500):
        yield ",".join(f"{chance.getrandbits(48):x}" for _ in range(columns)) + "\n"


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("sparse.jsonl", sparse(1_000)),
        ("sparser.jsonl", sparse(4_000)),
        ("lonely.jsonl", lonely(4_000)),
        ("lists.jsonl", lists(1_000)),
        ("long_lists.jsonl", long_lists(500_000)),
        ("empty_items.jsonl", empty_items(900)),
        ("long_texts.jsonl", long_texts(5)),
        ("maps.jsonl", maps(900)),
        ("empties.jsonl", empties(1_000)),
        ("wide.csv", wide(4_000)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_file_takes_more(tmp_path, name, lines):
    source = tmp_path / name
    with source.open("w") as file:
        file.writelines(lines)
    peak = peak_mb(source, tmp_path / "out")
    print(f"{name}: {source.stat().st_size / 1e6:.0f} MB, {peak} MB at the most")
    assert peak < MOST_MB
