"""CSV to Parquet and a profile."""

import hashlib
import io
import json
import os
from urllib.parse import unquote_plus

import boto3
import pandas

dynamodb = boto3.client("dynamodb")
s3 = boto3.client("s3")

TABLE = os.environ["TABLE_NAME"]
RESULTS = os.environ["RESULTS_BUCKET"]


def plain(value):
    """A value as JSON has it."""
    return value.item() if hasattr(value, "item") else str(value)


def profile(frame):
    columns = []
    for name, column in frame.items():
        columns.append(
            {
                "name": str(name),
                "type": str(column.dtype),
                "nulls": int(column.isna().sum()),
                "distinct": int(column.nunique()),
                "min": plain(column.min()),
                "max": plain(column.max()),
            }
        )
    return {"rows": len(frame), "columns": columns}


def claim(key):
    """Raises if another attempt has ended the file already."""
    dynamodb.update_item(
        TableName=TABLE,
        Key=key,
        UpdateExpression="SET #status = :processing ADD fence :one",
        ConditionExpression="attribute_not_exists(#status) OR #status <> :done",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={
            ":processing": {"S": "processing"},
            ":done": {"S": "done"},
            ":one": {"N": "1"},
        },
    )


def commit(key, outputs):
    dynamodb.update_item(
        TableName=TABLE,
        Key=key,
        UpdateExpression="SET #status = :done, outputs = :outputs",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":done": {"S": "done"}, ":outputs": {"L": outputs}},
    )


def put(key, name, content_type, body):
    key = f"{key}/{name}"
    s3.put_object(Bucket=RESULTS, Key=key, Body=body, ContentType=content_type)
    return {
        "M": {
            "name": {"S": name},
            "key": {"S": key},
            "size_bytes": {"N": str(len(body))},
            "content_type": {"S": content_type},
        }
    }


def unload(record):
    bucket = record["s3"]["bucket"]["name"]
    thing = record["s3"]["object"]
    name = unquote_plus(thing["key"])
    owner = name.split("/")[1]
    file_id = hashlib.sha256(f"{bucket}/{name}".encode()).hexdigest()[:26]
    key = {"pk": {"S": f"{owner}/{file_id}"}, "sk": {"S": "record"}}
    claim(key)
    body = s3.get_object(Bucket=bucket, Key=name, IfMatch=thing["eTag"])["Body"].read()
    frame = pandas.read_csv(io.BytesIO(body))
    parquet = io.BytesIO()
    frame.to_parquet(parquet, engine="pyarrow", compression="zstd", index=False)
    prefix = f"tables/{owner}/{file_id}"
    outputs = [
        put(prefix, "table.parquet", "application/vnd.apache.parquet", parquet.getvalue()),
        put(prefix, "profile.json", "application/json", json.dumps(profile(frame)).encode()),
    ]
    commit(key, outputs)
    return {"owner": owner, "file_id": file_id, "outcome": "done"}


def handler(event, context):
    return {"files": [unload(record) for record in event["Records"]]}
