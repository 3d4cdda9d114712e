"""A CSV to varint-length-delimited Protocol Buffers, as people write it in Python: `csv` or polars, and protobuf's upb.

    records.py csv|polars INPUT OUT_DIR

The message is that of `table.proto` for the flights: integers, text and one timestamp, each absent where the cell is empty.
"""

import sys
from pathlib import Path

CONVERT = Path(__file__).resolve().parent.parent.parent / "target" / "release" / "examples" / "convert"
TEXTS = {"carrier", "tailnum", "origin", "dest"}
INSTANT = "time_hour"


def candidates(source, out):
    """The commands that are measured, by name."""
    ours = [str(CONVERT), "--threads", "1", "--only", "table.pb,table.proto", str(source), str(out)]
    peers = [(f"{name} + upb", [sys.executable, __file__, name, str(source), str(out)]) for name in ["csv", "polars"]]
    return [("longshore", ours), *peers]


def message(columns):
    """The class of a row, made at run time as protoc's would be."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

    file = descriptor_pb2.FileDescriptorProto(name="table.proto", package="bench", syntax="proto3")
    file.dependency.append(timestamp_pb2.DESCRIPTOR.name)
    row = file.message_type.add(name="Row")
    kind = descriptor_pb2.FieldDescriptorProto
    for number, name in enumerate(columns, 1):
        field = row.field.add(name=name, number=number, label=kind.LABEL_OPTIONAL)
        if name == INSTANT:
            field.type, field.type_name = kind.TYPE_MESSAGE, ".google.protobuf.Timestamp"
            continue
        field.type = kind.TYPE_STRING if name in TEXTS else kind.TYPE_INT64
        # What proto3 calls `optional`.
        field.proto3_optional = True
        field.oneof_index = len(row.oneof_decl)
        row.oneof_decl.add(name=f"_{name}")
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("bench.Row"))


def write(row_class, rows, out):
    """`rows` gives dictionaries of the values that are there."""
    from google.protobuf.proto import serialize_length_prefixed

    with (out / "table.pb").open("wb", buffering=1 << 20) as file:
        for instant, values in rows:
            row = row_class(**values)
            if instant is not None:
                row.time_hour.FromSeconds(instant)
            serialize_length_prefixed(row, file)


def with_csv(source, out):
    import csv
    from datetime import datetime

    with source.open(newline="") as file:
        reader = csv.reader(file)
        columns = next(reader)
        convert = [str if name in TEXTS else int for name in columns]
        instant = columns.index(INSTANT)
        seconds = {}

        def rows():
            for cells in reader:
                text = cells[instant]
                if text not in seconds:
                    seconds[text] = int(datetime.fromisoformat(text).timestamp()) if text else None
                cells[instant] = ""
                yield seconds[text], {
                    name: read(cell)
                    for name, read, cell in zip(columns, convert, cells)
                    if cell and (cell != "NA" or read is str)
                }

        write(message(columns), rows(), out)


def with_polars(source, out):
    import polars

    # Words for nothing count as such where the column is no text.
    header = source.open().readline().strip().split(",")
    nothing = {name: "NA" for name in header if name not in TEXTS}
    frame = polars.read_csv(source, infer_schema_length=10_000, null_values=nothing, try_parse_dates=True)
    instants = frame[INSTANT].dt.epoch("s").to_list()
    others = frame.drop(INSTANT)
    names, columns = others.columns, [column.to_list() for column in others]
    rows = (
        {name: value for name, value in zip(names, values) if value is not None} for values in zip(*columns)
    )
    write(message(frame.columns), zip(instants, rows), out)


def main():
    name, source, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    {"csv": with_csv, "polars": with_polars}[name](source, out)


if __name__ == "__main__":
    main()
