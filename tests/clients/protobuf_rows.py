"""`table.pb`, read with what protoc makes of `table.proto`."""

import datetime
from pathlib import Path

import grpc_tools
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, proto
from grpc_tools import protoc

WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def compile_row(folder):
    """The class of the message `Row`."""
    compiled = folder / "table.descriptors"
    arguments = [f"-I{folder}", f"-I{WELL_KNOWN}", "--include_imports", f"-o{compiled}", str(folder / "table.proto")]
    assert protoc.main(["protoc", *arguments]) == 0, (folder / "table.proto").read_text(encoding="utf-8")
    files = descriptor_pb2.FileDescriptorSet.FromString(compiled.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("longshore.tables.Row"))


def read_messages(folder):
    """Every record, as a message."""
    row = compile_row(folder)
    with open(folder / "table.pb", "rb") as file:
        while (message := proto.parse_length_prefixed(row, file)) is not None:
            yield message


def notes(folder):
    """What the comments say of `repeated` fields without items: null, or an empty list."""
    lines = (folder / "table.proto").read_text(encoding="utf-8").splitlines()
    nulls = set()
    message = "Row"
    for line in lines:
        words = line.split()
        if words[:1] == ["message"]:
            message = words[1]
        elif words == ["}"]:
            message = "Row"
        elif words[:1] == ["repeated"] and line.endswith("without items it is null"):
            nulls.add((message, words[2]))
    return nulls


def plain(message, nulls):
    """A message as a list of what its fields hold, in their order: None for what is null."""
    return [field_value(message, field, nulls) for field in message.DESCRIPTOR.fields]


def field_value(message, field, nulls):
    value = getattr(message, field.name)
    if field.is_repeated:
        items = [item_value(item, field, nulls) for item in value]
        return items or (None if (message.DESCRIPTOR.name, field.name) in nulls else [])
    return item_value(value, field, nulls) if message.HasField(field.name) else None


def item_value(value, field, nulls):
    if field.message_type is None:
        return value
    if field.message_type.full_name == "google.protobuf.Timestamp":
        return EPOCH + datetime.timedelta(seconds=value.seconds, microseconds=value.nanos // 1000)
    members = [member.name for member in field.message_type.fields]
    if members == ["value"] and field.message_type.name.rstrip("0123456789").endswith("Item"):
        return plain(value, nulls)[0]
    if members == ["items"] and field.message_type.name.rstrip("0123456789").endswith("List"):
        return plain(value, nulls)[0]
    return plain(value, nulls)
