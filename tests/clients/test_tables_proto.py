"""What `tables` writes of delimited text as Protocol Buffers, read by protoc's Python and compared with the source.

Runs the `convert` example named by TABLES_CONVERT, as `test_tables.py` does.
"""

import datetime
import decimal
import json
import os
import random
import subprocess
import uuid

import pytest

pytest.importorskip("grpc_tools", reason="it brings protoc")

import protobuf_rows  # noqa: E402

CONVERT = os.environ.get("TABLES_CONVERT")
pytestmark = pytest.mark.skipif(not CONVERT, reason="TABLES_CONVERT names no convert binary")

UTC = datetime.timezone.utc


def cell(rng, kind):
    """A cell of a kind."""
    second = datetime.datetime(1960, 1, 1) + datetime.timedelta(seconds=rng.randrange(3 * 10**9))
    return {
        "Int": lambda: str(rng.randrange(-(10**18), 10**18) >> rng.randrange(60)),
        "unsigned": lambda: str(rng.randrange(2**63, 2**64)),
        "float": lambda: repr(rng.gauss(0, 10 ** rng.randrange(-5, 12))),
        "price": lambda: f"{rng.uniform(-10, 1000):.2f}",
        "bool": lambda: rng.choice(["true", "false"]),
        "date": lambda: second.date().isoformat(),
        "time": lambda: second.time().isoformat(),
        "local": lambda: second.isoformat(),
        "micros": lambda: second.replace(microsecond=rng.randrange(1, 10**6)).isoformat(timespec="microseconds"),
        "utc": lambda: second.isoformat() + "Z",
        "uuid": lambda: str(uuid.UUID(int=rng.getrandbits(128))),
        "class": lambda: "".join(rng.choice("ab ;é漢😀") for _ in range(rng.randrange(1, 30))) + "x",
        "nothing": lambda: "",
    }[kind]()


KINDS = [
    "Int", "unsigned", "float", "price", "bool", "date", "time", "local", "micros", "utc", "uuid", "class", "nothing",
]  # fmt: skip


def is_same(text, value):
    if value is None:
        return text == ""
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, int):
        return text == str(value)
    if isinstance(value, float):
        return float(text) == value
    if isinstance(value, datetime.datetime):
        return datetime.datetime.fromisoformat(text) == value
    if text == value:
        return True
    try:
        return datetime.datetime.fromisoformat(text) == datetime.datetime.fromisoformat(value)
    except ValueError:
        return decimal.Decimal(text) == decimal.Decimal(value)


def test_every_cell(tmp_path):
    rng = random.Random(5)
    rows = [["" if rng.random() < 0.1 else cell(rng, kind) for kind in KINDS] for _ in range(3000)]
    path = tmp_path / "mixed.csv"
    path.write_text("\n".join(",".join(row) for row in [KINDS, *rows]) + "\n", encoding="utf-8")
    done = subprocess.run([CONVERT, str(path), str(tmp_path / "out")], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows_written"] == len(rows)
    nulls = protobuf_rows.notes(tmp_path / "out")
    messages = list(protobuf_rows.read_messages(tmp_path / "out"))
    assert len(messages) == len(rows)
    fields = messages[0].DESCRIPTOR.fields
    assert [field.number for field in fields] == list(range(1, len(KINDS) + 1))
    for row, message in zip(rows, messages):
        for kind, text, value in zip(KINDS, row, protobuf_rows.plain(message, nulls)):
            assert is_same(text, value), f"{kind}: {text!r} came back as {value!r}"
    types = {kind: field.message_type.name if field.message_type else field.type for kind, field in zip(KINDS, fields)}
    assert types["Int"] == fields[0].TYPE_INT64 and types["utc"] == "Timestamp" and types["bool"] == fields[0].TYPE_BOOL
