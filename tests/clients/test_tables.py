"""What `tables` writes, read by pyarrow and DuckDB and compared with the source, cell by cell.

Runs the `convert` example named by TABLES_CONVERT; the corpora are looked for in CORPORA, or beside the repository.
"""

import csv
import datetime
import decimal
import io
import json
import os
import random
import subprocess
from pathlib import Path

import pytest

duckdb = pytest.importorskip("duckdb")
parquet = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("pytz", reason="duckdb needs it for timestamps in UTC")

CONVERT = os.environ.get("TABLES_CONVERT")
CORPORA = Path(os.environ.get("CORPORA", Path(__file__).parents[3] / "shared" / "corpora")) / "tables"
pytestmark = pytest.mark.skipif(not CONVERT, reason="TABLES_CONVERT names no convert binary")

DELIMITERS = ",\t;|"


def convert(path, folder):
    return subprocess.run([CONVERT, str(path), str(folder)], capture_output=True, text=True, timeout=120)


def is_same(text, value):
    """Whether a value read back says what the source's text said."""
    if value is None:
        return text == ""
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    if isinstance(value, int):
        return text == str(value)
    if isinstance(value, float):
        return float(text) == value and text[0] in "-0123456789"
    if isinstance(value, decimal.Decimal):
        return text == str(value)
    if isinstance(value, datetime.datetime):
        read = datetime.datetime.fromisoformat(text)
        return read == value and (read.tzinfo is None) == (value.tzinfo is None)
    if isinstance(value, datetime.date):
        return text == value.isoformat()
    return text == value


def columns_by_pyarrow(path):
    table = parquet.read_table(path)
    return [column.to_pylist() for column in table.columns]


def columns_by_duckdb(path):
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    rows = connection.execute(f"select * from read_parquet('{path}')").fetchall()
    width = len(connection.description)
    return [[row[index] for row in rows] for index in range(width)]


def check(path, folder, source, name):
    """Converts and compares; `source` is the header and the rows, as texts."""
    done = convert(path, folder)
    assert done.returncode == 0, f"{name}: {done.stderr}"
    report = json.loads(done.stdout)
    rejected = set()
    if (folder / "rejects.jsonl").exists():
        lines = (folder / "rejects.jsonl").read_text(encoding="utf-8").splitlines()
        rejected = {json.loads(line)["row"] for line in lines}
    header, *rows = source
    assert report["rows"] == len(rows) == report["rows_written"] + report["rows_rejected"], name
    assert report["rows_rejected"] == len(rejected), name
    rows = [row for number, row in enumerate(rows, 1) if number not in rejected]
    for read in (columns_by_pyarrow, columns_by_duckdb):
        columns = read(folder / "table.parquet")
        assert len(columns) == len(header), name
        for index, column in enumerate(columns):
            assert len(column) == len(rows), name
            for row, value in zip(rows, column):
                assert is_same(row[index], value), f"{name}: {header[index]}: {row[index]!r} came back as {value!r}"
    return json.loads((folder / "profile.json").read_text(encoding="utf-8")), rejected


def corpus(folder):
    files = sorted((CORPORA / folder).glob("**/*.csv")) if CORPORA.is_dir() else []
    return files or [pytest.param(None, marks=pytest.mark.skip(reason=f"no corpus at {CORPORA / folder}"))]


@pytest.mark.parametrize("path", corpus("csv-spectrum") + corpus("csv-test-data"), ids=lambda path: path and path.name)
def test_corpora(path, tmp_path):
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        assert convert(path, tmp_path).returncode == 2, "not UTF-8"
        return
    if not text.strip("\r\n"):
        assert convert(path, tmp_path).returncode == 2, "nothing but line ends"
        return
    rows = list(csv.reader(io.StringIO(text, newline="")))
    # The csv module gives a blank line no field; in one column it is a row.
    rows = [row or [""] for row in rows] if len(rows[0]) == 1 else [row for row in rows if row]
    if path.name.startswith("bad-") and path.name != "bad-unescaped-quote.csv":
        assert convert(path, tmp_path).returncode in (0, 2)
        return
    check(path, tmp_path, rows, path.name)


def make(rng, kind):
    """A cell of a kind."""
    day = datetime.date(1583, 1, 1) + datetime.timedelta(days=rng.randrange(600_000))
    second = datetime.datetime(1990, 1, 1) + datetime.timedelta(seconds=rng.randrange(10**9))
    return {
        "int": lambda: str(rng.randrange(-(10**18), 10**18) >> rng.randrange(60)),
        "big": lambda: str(rng.randrange(2**63 - 3, 2**64)),
        "float": lambda: repr(rng.gauss(0, 10 ** rng.randrange(-5, 12))),
        "price": lambda: f"{rng.uniform(0, 1000):.2f}",
        "version": lambda: f"1.{rng.randrange(30)}",
        "code": lambda: f"{rng.randrange(10000):05d}",
        "phone": lambda: f"+{rng.randrange(10**10)}",
        "bool": lambda: rng.choice(["true", "false"]),
        "shout": lambda: rng.choice(["TRUE", "FALSE", "true"]),
        "date": lambda: day.isoformat(),
        "time": lambda: second.isoformat(sep=" "),
        "micros": lambda: second.replace(microsecond=rng.randrange(10**6)).isoformat(),
        "utc": lambda: second.isoformat() + "Z",
        "mixed_time": lambda: rng.choice([second.isoformat(), day.isoformat()]),
        "text": lambda: "".join(rng.choice("ab ,;|\t\"\n\r'é漢😀") for _ in range(rng.randrange(8))),
        "nothing": lambda: "",
    }[kind]()


def write_csv(rows, delimiter, line_end):
    """As RFC 4180 says; the csv module leaves a lone CR without quotes."""

    def write(cell):
        return '"' + cell.replace('"', '""') + '"' if set(cell) & set(f'"\r\n{delimiter}') else cell

    return "".join(delimiter.join(map(write, row)) + line_end for row in rows)


EXPECTED = {
    "int": "int64", "big": "uint64", "float": "float64", "price": "decimal(18,2)", "version": "string", "code": "string",
    "phone": "string", "bool": "bool", "shout": "string", "date": "date", "time": "timestamp", "micros": "timestamp",
    "utc": "timestamp_utc", "mixed_time": "string", "text": "string", "nothing": "string",
}  # fmt: skip


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_type(delimiter, line_end, tmp_path):
    rng = random.Random(f"{delimiter}{line_end}")
    kinds = list(EXPECTED)
    rows = [["" if rng.random() < 0.1 else make(rng, kind) for kind in kinds] for _ in range(4000)]
    path = tmp_path / "mixed.csv"
    path.write_bytes(write_csv([kinds, *rows], delimiter, line_end).encode())
    profile, rejected = check(path, tmp_path / "out", [kinds, *rows], "mixed")
    assert not rejected
    assert {column["name"]: column["type"] for column in profile["columns"]} == EXPECTED
    for index, column in enumerate(profile["columns"]):
        cells = [row[index] for row in rows]
        assert column["nulls"] == cells.count(""), column
        distinct = len(set(cells) - {""})
        error = 0 if column["distinct_exact"] else 4 * profile["precision"]["distinct_standard_error"] * distinct
        assert abs(column["distinct"] - distinct) <= error, column
        values = [cell for cell in cells if cell]
        if column["type"] in ("int64", "uint64", "float64"):
            numbers = [float(value) if column["type"] == "float64" else int(value) for value in values]
            assert (column["min"], column["max"]) == (min(numbers), max(numbers))
        elif column["type"] in ("date", "string"):
            least, greatest = (
                (min(values, key=str.encode), max(values, key=str.encode)) if values else (None, None)
            )
            assert (column["min"], column["max"]) == (least, greatest)


def test_bad_rows_are_told_of(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_bytes(b"a,b\n1,2\n3\n4,x\n5,6\n7,\"8\"9\n10,11,12\n13,14\n15,\"16\n")
    done = convert(path, tmp_path / "out")
    assert done.returncode == 0
    rejects = [json.loads(line) for line in (tmp_path / "out" / "rejects.jsonl").read_text().splitlines()]
    raw = path.read_bytes()
    # Short rows are filled up, and quotes that open no field are text.
    assert [(reject["reason"], reject["row"]) for reject in rejects] == [("field-count", 6)]
    for reject in rejects:
        assert raw[reject["byte_offset"] :].decode(errors="replace").startswith(reject["raw"])
    assert columns_by_pyarrow(tmp_path / "out" / "table.parquet") == [
        [1, 3, 4, 5, 7, 13, 15],
        ["2", None, "x", "6", '"8"9', "14", '"16'],
    ]
