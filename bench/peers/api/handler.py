"""GET /v1/files/{id}/outputs/{name}?inline: a small output of a file, itself."""

import json
import os

import boto3

dynamodb = boto3.client("dynamodb")
s3 = boto3.client("s3")

TABLE = os.environ["TABLE_NAME"]
RESULTS = os.environ["RESULTS_BUCKET"]
INLINE_MAX_BYTES = 5_000_000


def answer(status, body, content_type="application/json"):
    return {
        "statusCode": status,
        "headers": {"content-type": content_type, "cache-control": "private, no-cache"},
        "body": body,
    }


def problem(status, title):
    return answer(status, json.dumps({"status": status, "title": title}), "application/problem+json")


def handler(event, context):
    owner = event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"]
    parameters = event["pathParameters"]
    key = {"pk": {"S": f"{owner}/{parameters['id']}"}, "sk": {"S": "record"}}
    record = dynamodb.get_item(TableName=TABLE, Key=key, ConsistentRead=True).get("Item")
    if record is None:
        return problem(404, "there is no such file")
    if record["status"]["S"] != "done":
        return problem(409, "the file is not done")
    for output in (entry["M"] for entry in record["outputs"]["L"]):
        if output["name"]["S"] == parameters["name"]:
            break
    else:
        return problem(404, "the file has no output of this name")
    if output["content_type"]["S"] != "application/json" or int(output["size_bytes"]["N"]) > INLINE_MAX_BYTES:
        return problem(400, "only small JSON is inlined")
    body = s3.get_object(Bucket=RESULTS, Key=output["key"]["S"])["Body"].read()
    return answer(200, body.decode())
