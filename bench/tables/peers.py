"""What people use today, doing the same as `tables`: a CSV in, types inferred, a profile, Parquet with zstd out.

    peers.py NAME INPUT OUT_DIR --threads N [--profile]

One process a run, so that a run's time and memory are its own.
"""

import argparse
import json
import os
from pathlib import Path

PEERS = ["duckdb", "pandas", "polars", "polars-streaming", "pyarrow"]


def duckdb(source, out, threads, profile):
    import duckdb

    db = duckdb.connect()
    db.sql(f"SET threads = {threads}")
    db.sql("SET preserve_insertion_order = true")
    table = f"read_csv('{source}')"
    if profile:
        # Its own profile: types, least, greatest, distinct (HyperLogLog), mean, deviation, quartiles, nulls. The file is
        # parsed for it and again for the copy, which costs less time and memory than keeping it as a table.
        rows = db.sql(f"SUMMARIZE FROM {table}").fetchall()
        (out / "profile.json").write_text(json.dumps(rows, default=str))
    db.sql(f"COPY (FROM {table}) TO '{out / 'table.parquet'}' (FORMAT parquet, COMPRESSION zstd)")


def pandas(source, out, threads, profile):
    import pandas

    frame = pandas.read_csv(source)
    if profile:
        summary = frame.describe(include="all")
        summary.loc["distinct"] = frame.nunique()
        summary.loc["nulls"] = frame.isna().sum()
        summary.to_json(out / "profile.json", default_handler=str)
    frame.to_parquet(out / "table.parquet", compression="zstd", index=False)


def polars(source, out, threads, profile, streaming=False):
    import polars

    # Else the first hundred rows decide, and the file fails on a later one.
    frame = polars.scan_csv(source, infer_schema_length=10_000, try_parse_dates=True)
    if streaming:
        frame.sink_parquet(out / "table.parquet", compression="zstd")
        if profile:
            columns = polars.all()
            summary = frame.select(
                columns.approx_n_unique().name.suffix(".distinct"),
                columns.null_count().name.suffix(".nulls"),
                columns.min().name.suffix(".min"),
                columns.max().name.suffix(".max"),
            ).collect(engine="streaming")
            (out / "profile.json").write_text(summary.write_json())
        return
    frame = frame.collect()
    if profile:
        summary = frame.describe()
        distinct = frame.select(polars.all().approx_n_unique())
        (out / "profile.json").write_text(summary.write_json() + distinct.write_json())
    frame.write_parquet(out / "table.parquet", compression="zstd")


def polars_streaming(source, out, threads, profile):
    polars(source, out, threads, profile, streaming=True)


def pyarrow(source, out, threads, profile):
    import pyarrow
    import pyarrow.compute as pc
    import pyarrow.csv
    import pyarrow.parquet

    pyarrow.set_cpu_count(threads)
    table = pyarrow.csv.read_csv(source)
    if profile:
        summary = {}
        for name, column in zip(table.column_names, table.columns):
            facts = summary[name] = {"type": str(column.type), "nulls": column.null_count}
            facts["distinct"] = pc.count_distinct(column).as_py()
            if pyarrow.types.is_integer(column.type) or pyarrow.types.is_floating(column.type):
                facts["mean"] = pc.mean(column).as_py()
                facts["deviation"] = pc.stddev(column).as_py()
                facts["quartiles"] = pc.tdigest(column, q=[0.25, 0.5, 0.75]).to_pylist()
            if not pyarrow.types.is_null(column.type):
                facts["range"] = {key: str(value) for key, value in pc.min_max(column).as_py().items()}
        (out / "profile.json").write_text(json.dumps(summary))
    pyarrow.parquet.write_table(table, out / "table.parquet", compression="zstd")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for variable in ["POLARS_MAX_THREADS", "OMP_NUM_THREADS"]:
        os.environ[variable] = str(arguments.threads)
    run = globals()[arguments.name.replace("-", "_")]
    run(arguments.source, arguments.out, arguments.threads, arguments.profile)


if __name__ == "__main__":
    main()
