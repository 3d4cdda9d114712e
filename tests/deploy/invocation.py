"""One real invocation of each function: what must be there before, the event, and what must be there after.

`invoke` takes the name of a function and a payload, and gives the answer, decoded.
"""

import json
import time

import boto3
from botocore.config import Config

from local_stack import TEMPLATE

EVENTS = TEMPLATE.parent / "events"


def event(name):
    return (EVENTS / name).read_text()


def client(stack, service):
    """A client of the stack. It sends a request once: an invocation that takes long is not to be sent again."""
    config = Config(retries={"max_attempts": 0}, read_timeout=120, s3={"addressing_style": "path"})
    keys = {
        "aws_access_key_id": stack.environment["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": stack.environment["AWS_SECRET_ACCESS_KEY"],
        "region_name": stack.environment["AWS_REGION"],
    }
    return boto3.client(service, endpoint_url=stack.aws_endpoint, config=config, **keys)


def upload_of(stack, name):
    """Puts the file that an event speaks of where it says."""
    about = json.loads(event(name))["Records"][0]["s3"]
    # Keys in events are encoded as in forms.
    key = about["object"]["key"].replace("+", " ")
    content = (EVENTS / ("harbour.jpg" if key.endswith(".jpg") else "harbour-calls.csv")).read_bytes()
    client(stack, "s3").put_object(Bucket=about["bucket"]["name"], Key=key, Body=content)
    return key


def records(stack):
    """The catalogue's records of files."""
    table = stack.told()["Tables"]["TABLE_NAME"]
    items = client(stack, "dynamodb").scan(TableName=table)["Items"]
    return [item for item in items if item["sk"]["S"] == "record"]


def done(stack, key):
    """The record of that upload, once it is done; its outputs are there."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        record = next((one for one in records(stack) if one["key"]["S"] == key), None)
        if record and record["status"]["S"] == "done":
            bucket = stack.told()["Tables"]["RESULTS_BUCKET"]
            for output in record["outputs"]["L"]:
                head = client(stack, "s3").head_object(Bucket=bucket, Key=output["M"]["key"]["S"])
                assert head["ContentLength"] == int(output["M"]["size_bytes"]["N"])
            names = {output["M"]["name"]["S"] for output in record["outputs"]["L"]}
            expected = {"images": {"manifest.json", "320.webp"}, "tables": {"table.parquet", "profile.json"}}
            assert expected[record["kind"]["S"]] <= names
            return record
        time.sleep(0.2)
    raise AssertionError(f"{key} is not done after a minute: {record}")


def tables(stack, invoke):
    key = upload_of(stack, "s3-put-csv.json")
    answer = invoke("tables", event("s3-put-csv.json"))
    assert [one["outcome"] for one in answer["files"]] == ["done"], answer
    done(stack, key)


def images(stack, invoke):
    key = upload_of(stack, "s3-put-jpeg.json")
    answer = invoke("images", event("s3-put-jpeg.json"))
    assert [one["outcome"] for one in answer["files"]] == ["done"], answer
    done(stack, key)


def intake(stack, invoke):
    key = upload_of(stack, "s3-put-inbox.json")
    answer = invoke("intake", event("s3-put-inbox.json"))
    assert [one["outcome"] for one in answer["files"]] == ["handed-over"], answer
    # By the stack's own `tables`, which the hand-over has invoked.
    assert done(stack, key)["kind"]["S"] == "tables"


def notify(stack, invoke):
    # Nobody has an endpoint: it asks the catalogue for one, and has nothing to tell.
    assert invoke("notify", event("dynamodb-stream-done.json")) == {"batchItemFailures": []}


def api(stack, invoke):
    healthy = invoke("api", event("api-healthz.json"))
    assert healthy["statusCode"] == 200, healthy
    # These need the catalogue.
    announced = invoke("api", event("api-create-upload.json"))
    assert announced["statusCode"] == 201, announced
    listed = invoke("api", event("api-list-files.json"))
    assert listed["statusCode"] == 200, listed
    ids = [one["id"] for one in json.loads(listed["body"])["files"]]
    assert ids == [json.loads(announced["body"])["file"]["id"]]


CHECKS = {"tables": tables, "images": images, "intake": intake, "notify": notify, "api": api}
