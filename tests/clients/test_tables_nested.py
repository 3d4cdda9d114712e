"""JSON Lines and arrays as `tables` writes them, and its Protocol Buffers, read back and compared with the source.

Runs the `convert` example named by TABLES_CONVERT, as `test_tables.py` does.
"""

import json
import os
import random
import re
import subprocess

import pytest

duckdb = pytest.importorskip("duckdb")
parquet = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("pytz", reason="duckdb needs it for timestamps in UTC")
pytest.importorskip("grpc_tools", reason="it brings protoc")

import protobuf_rows  # noqa: E402

CONVERT = os.environ.get("TABLES_CONVERT")
pytestmark = pytest.mark.skipif(not CONVERT, reason="TABLES_CONVERT names no convert binary")


def convert(path, folder):
    done = subprocess.run([CONVERT, str(path), str(folder)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def says(read, written):
    """Whether a value read back says what was written: the same, or its JSON as text."""
    if read is None or written is None:
        return read is None and written is None
    if isinstance(read, str):
        return read == written or (not isinstance(written, str) and json.loads(read) == written)
    if isinstance(read, list):
        return isinstance(written, list) and len(read) == len(written) and all(map(says, read, written))
    if isinstance(read, dict):
        return (
            isinstance(written, dict)
            and written.keys() <= read.keys()
            and all(says(value, written.get(key)) for key, value in read.items())
        )
    if isinstance(read, bool) or isinstance(written, bool):
        return read is written
    return read == written


def named(value, kind):
    """Fields of Protocol Buffers under the names that the Parquet schema has for their places."""
    if value is None:
        return None
    if hasattr(kind, "fields") or kind.__class__.__name__ == "StructType":
        return {kind.field(index).name: named(item, kind.field(index).type) for index, item in enumerate(value)}
    if kind.__class__.__name__ == "ListType":
        return [named(item, kind.value_type) for item in value]
    return value


def check(rows, folder, with_duckdb=True):
    """Compares what was written with the rows."""
    by_pyarrow = parquet.read_table(folder / "table.parquet")
    names = by_pyarrow.column_names
    nulls = protobuf_rows.notes(folder)
    protobuf = []
    for message in protobuf_rows.read_messages(folder):
        values = protobuf_rows.plain(message, nulls)
        protobuf.append({field.name: named(value, field.type) for field, value in zip(by_pyarrow.schema, values)})
    readings = {
        "pyarrow": by_pyarrow.to_pylist(),
        "protobuf": protobuf,
    }
    if with_duckdb:
        rows_of_duckdb = duckdb.connect().execute(f"select * from read_parquet('{folder / 'table.parquet'}')").fetchall()
        readings["duckdb"] = [dict(zip(names, row)) for row in rows_of_duckdb]
    # Columns stand in the order in which their names were met; awkward names, and those that differ by case alone, are changed.
    met = dict.fromkeys(name for row in rows for name in row)
    name_of = dict(zip(met, names, strict=True))
    rows = [{name_of[name]: value for name, value in row.items()} for row in rows]
    for reader, read in readings.items():
        assert len(read) == len(rows), reader
        for number, (back, row) in enumerate(zip(read, rows)):
            assert says(back, row), f"{reader}: row {number}: {row!r} came back as {back!r}"
    return by_pyarrow.schema


def anything(rng, depth=0):
    kind = rng.randrange(9 if depth < 4 else 6)
    return [
        lambda: None,
        lambda: rng.random() < 0.5,
        lambda: rng.randrange(-(10**18), 10**18) >> rng.randrange(60),
        lambda: rng.gauss(0, 10 ** rng.randrange(-5, 12)),
        lambda: "".join(rng.choice("ab ,\"\\\n'é漢😀\u0001") for _ in range(rng.randrange(8))),
        lambda: rng.choice([2**63 + rng.randrange(9), 10**25, "", "x"]),
        lambda: [anything(rng, depth + 1) for _ in range(rng.randrange(4))],
        lambda: {rng.choice("abcd"): anything(rng, depth + 1) for _ in range(rng.randrange(4))},
        lambda: [rng.choice([1, 2, None]) for _ in range(rng.randrange(3))],
    ][kind]()


def of_pattern(rng, pattern):
    """A value of a type: so that columns keep theirs."""
    if isinstance(pattern, dict):
        return {key: of_pattern(rng, value) for key, value in pattern.items() if rng.random() < 0.8}
    if isinstance(pattern, list):
        return [of_pattern(rng, pattern[0]) for _ in range(rng.randrange(4))]
    return pattern(rng)


PATTERN = {
    "id": lambda rng: rng.randrange(10**9),
    "big": lambda rng: rng.randrange(2**62, 2**64),
    "from": lambda rng: rng.choice(["x", "", "é", None]),
    "class": lambda rng: rng.random() < 0.5,
    "Ratio %": lambda rng: rng.random(),
    "tags": [lambda rng: rng.choice(["a", "b"])],
    "scores": [lambda rng: rng.choice([1, -2, None])],
    "grid": [[lambda rng: rng.random()]],
    "deep": [[[lambda rng: rng.choice([None, "x"])]]],
    "user": {
        "name": lambda rng: rng.choice(["Ann", "Böb"]),
        "a": {"b": {"c": lambda rng: rng.randrange(5)}, "l": [lambda rng: rng.random() < 0.5]},
    },
    "items": [{"sku": lambda rng: f"{rng.randrange(100):04d}", "parts": [{"n": lambda rng: rng.randrange(9)}]}],
    'na"me\n*/ // \u202e': lambda rng: rng.randrange(3),
    "a_1": lambda rng: 1,
    "a1": lambda rng: 2,
    "": lambda rng: rng.choice([1.5, 2]),
}


def write(rows, form, path):
    if form == "lines":
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    else:
        path.write_text(json.dumps(rows, indent=1), encoding="utf-8")


@pytest.mark.parametrize("form", ["lines", "array"])
def test_nested_types(form, tmp_path):
    rng = random.Random(form)
    rows = [of_pattern(rng, PATTERN) for _ in range(2000)]
    rows = [row or {"id": 1} for row in rows]
    write(rows, form, tmp_path / "nested.json")
    report = convert(tmp_path / "nested.json", tmp_path / "out")
    assert (report["rows"], report["rows_rejected"]) == (len(rows), 0)
    # An empty key is no name, and a column's place names it.
    first_seen = list(dict.fromkeys(key for row in rows for key in row))
    renamed = [{f"column_{first_seen.index('') + 1}" if key == "" else key: row[key] for key in row} for row in rows]
    schema = check(renamed, tmp_path / "out")
    kinds = {field.name: str(field.type) for field in schema}
    assert kinds["id"] == "int64" and kinds["big"] == "uint64" and kinds["class"] == "bool"
    assert kinds["Ratio %"] == "double" and kinds["from"] == "string"
    assert kinds["grid"].startswith("list<") and "double" in kinds["grid"]
    assert kinds["user"].startswith("struct<")


@pytest.mark.parametrize("seed", range(12))
def test_any_json(seed, tmp_path):
    rng = random.Random(seed)
    rows = [{rng.choice("abcdefgh"): anything(rng) for _ in range(rng.randrange(6))} for _ in range(rng.randrange(1, 40))]
    rows.append({"a": 1})
    write(rows, rng.choice(["lines", "array"]), tmp_path / "any.json")
    convert(tmp_path / "any.json", tmp_path / "out")
    check(rows, tmp_path / "out")


def test_records_that_repeat_themselves_and_lack_most_keys(tmp_path):
    rng = random.Random(7)
    values = [
        lambda: rng.randrange(50),
        lambda: rng.choice(["fig", "pear", "a longer name than the others have"]),
        lambda: rng.choice([0.5, rng.random()]),
        lambda: [rng.randrange(3) for _ in range(rng.randrange(1, 4))],
        lambda: {"a": rng.randrange(4), "b": {"c": rng.choice(["x", "y"])}},
        lambda: rng.random() < 0.5,
    ]
    rows = [{f"k{key}": values[key % 6]() for key in rng.sample(range(100), 6)} for _ in range(5_000)]
    rows += [{}] * 3
    source = tmp_path / "records.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    convert(source, tmp_path / "out")
    check(rows, tmp_path / "out")
    metadata = parquet.ParquetFile(tmp_path / "out" / "table.parquet").metadata
    for group in range(metadata.num_row_groups):
        chunks = [metadata.row_group(group).column(index) for index in range(metadata.num_columns)]
        assert all(chunk.has_column_index and chunk.has_offset_index for chunk in chunks)
        assert any("RLE_DICTIONARY" in chunk.encodings for chunk in chunks)


def test_the_deepest(tmp_path):
    value = 1
    for level in range(47):
        value = [value] if level % 2 else {"k": value}
    rows = [{"a": value}, {"a": None}]
    write(rows, "lines", tmp_path / "deep.jsonl")
    convert(tmp_path / "deep.jsonl", tmp_path / "out")
    check(rows, tmp_path / "out")
    value = 1
    for _ in range(47):
        value = [value, None]
    rows = [{"a": value}, {"a": []}, {}]
    write(rows, "lines", tmp_path / "lists.jsonl")
    convert(tmp_path / "lists.jsonl", tmp_path / "out_lists")
    # DuckDB 2.0 takes half as long again for each list within a list: five seconds for 20 of them.
    check(rows, tmp_path / "out_lists", with_duckdb=False)


def test_names_and_numbers_of_fields(tmp_path):
    keys = ["syntax", "message", "a b", "a-b", "A_B", "123", "ß", "名前", "x" * 500, "rpc", "lambda", "google", "row", "Row"]
    write([{key: {"x": index} for index, key in enumerate(keys)}], "lines", tmp_path / "names.jsonl")
    convert(tmp_path / "names.jsonl", tmp_path / "out")
    fields = protobuf_rows.compile_row(tmp_path / "out").DESCRIPTOR.fields
    assert [field.number for field in fields] == list(range(1, len(keys) + 1))
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", field.name) for field in fields)
    assert len({field.name for field in fields}) == len(keys)
    check([{key: {"x": index} for index, key in enumerate(keys)}], tmp_path / "out")
