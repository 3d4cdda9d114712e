"""Sorts an upload by its first bytes and hands it to the function of its kind."""

import hashlib
import json
import os
from datetime import datetime, timezone
from urllib.parse import unquote_plus

import boto3

dynamodb = boto3.client("dynamodb")
lambda_ = boto3.client("lambda")
s3 = boto3.client("s3")

TABLE = os.environ["TABLE_NAME"]
FUNCTIONS = dict(word.split("=", 1) for word in os.environ["FUNCTIONS"].split())
HEAD_BYTES = 160 * 1024

MAGIC = [
    (b"\x89PNG\r\n\x1a\n", "images"),
    (b"\xff\xd8\xff", "images"),
    (b"GIF8", "images"),
    (b"II*\0", "images"),
    (b"MM\0*", "images"),
    (b"BM", "images"),
    (b"PK\x03\x04", "audit"),
    (b"\x1f\x8b", "tables"),
    (b"\x28\xb5\x2f\xfd", "tables"),
]


def identify(head):
    for magic, kind in MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "images"
    if b"\0" in head:
        return None
    lines = head[:8192].splitlines()[:-1]
    for delimiter in b",;\t|":
        counts = {line.count(delimiter) for line in lines}
        if len(counts) == 1 and counts != {0}:
            return "tables"
    return None


def sort(record):
    bucket = record["s3"]["bucket"]["name"]
    thing = record["s3"]["object"]
    key = unquote_plus(thing["key"])
    owner = key.split("/")[1]
    file_id = hashlib.sha256(f"{bucket}/{key}".encode()).hexdigest()[:26]
    head = s3.get_object(Bucket=bucket, Key=key, IfMatch=thing["eTag"], Range=f"bytes=0-{HEAD_BYTES - 1}")
    kind = identify(head["Body"].read())
    function = FUNCTIONS.get(kind)
    status = "rejected" if function is None else "pending"
    dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"{owner}/{file_id}"}, "sk": {"S": "record"}},
        UpdateExpression="SET #status = :status, kind = :kind, #bucket = :bucket, #key = :key, "
        "etag = :etag, size_bytes = :size, updated_at = :now",
        ExpressionAttributeNames={"#status": "status", "#bucket": "bucket", "#key": "key"},
        ExpressionAttributeValues={
            ":status": {"S": status},
            ":kind": {"S": kind or "unknown"},
            ":bucket": {"S": bucket},
            ":key": {"S": key},
            ":etag": {"S": thing["eTag"]},
            ":size": {"N": str(thing["size"])},
            ":now": {"S": datetime.now(timezone.utc).isoformat(timespec="milliseconds")},
        },
    )
    if function is not None:
        handover = {"owner": owner, "id": file_id, "bucket": bucket, "key": key, "etag": thing["eTag"]}
        accepted = lambda_.invoke(
            FunctionName=function, InvocationType="Event", Payload=json.dumps({"handover": handover})
        )
        # Else the connection is not used again.
        accepted["Payload"].read()
    return {"owner": owner, "file_id": file_id, "outcome": status}


def handler(event, context):
    return {"files": [sort(record) for record in event["Records"]]}
