"""What boto3 and the AWS CLI see of the local S3 and DynamoDB, and the reader of docs/api.md of the HTTP API.

Point the usual variables at a running stack (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
AWS_DEFAULT_REGION; for the guide API and TOKEN), or LONGSHORE_LOCAL at the stack's binary: then one is started for
these tests. Without either every test that needs it is skipped.
"""

import atexit
import itertools
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_stack import LocalStack

if "AWS_ENDPOINT_URL" not in os.environ and "LONGSHORE_LOCAL" in os.environ:
    STACK = LocalStack(os.environ["LONGSHORE_LOCAL"])
    atexit.register(STACK.stop)
    # `export` gives the token for the guide too.
    os.environ.update(STACK.environment, API=STACK.api_url)
ENDPOINT = os.environ.get("AWS_ENDPOINT_URL")
REGION = os.environ.get("AWS_DEFAULT_REGION", "us-east-1")
NUMBERS = itertools.count()


def pytest_collection_modifyitems(items):
    if ENDPOINT:
        return
    for item in items:
        # These talk to no stack, or say themselves what they need.
        if not item.path.name.startswith(("test_guide", "test_images", "test_tables", "test_webhooks")):
            item.add_marker(pytest.mark.skip(reason="AWS_ENDPOINT_URL is not set: no stack to talk to"))


def client(service, **config):
    settings = {"retries": {"max_attempts": 1, "mode": "standard"}}
    if service == "s3":
        settings["s3"] = {"addressing_style": "path"}
    return boto3.client(service, endpoint_url=ENDPOINT, region_name=REGION, config=Config(**settings | config))


@pytest.fixture(scope="session")
def s3():
    return client("s3")


@pytest.fixture(scope="session")
def dynamodb():
    return client("dynamodb")


def new_name(prefix="t"):
    return f"{prefix}-{uuid.uuid4().hex[:12]}-{next(NUMBERS)}"


@pytest.fixture
def bucket(s3):
    name = new_name("clients")
    s3.create_bucket(Bucket=name)
    yield name
    empty(s3, name)
    s3.delete_bucket(Bucket=name)


@pytest.fixture
def versioned(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def empty(s3, name):
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        for entry in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket=name, Key=entry["Key"], VersionId=entry["VersionId"])


@pytest.fixture
def table(dynamodb):
    """Partition key `pk`, sort key `sk`, an index by `kind` and `at`."""
    name = new_name("clients")
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in [("pk", "S"), ("sk", "S"), ("kind", "S"), ("at", "N")]],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_kind",
                "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    yield name
    dynamodb.delete_table(TableName=name)


class fails:
    """Asserts that a call is refused with this code (and this HTTP status)."""

    def __init__(self, *codes, status=None):
        self.codes = {str(code) for code in codes}
        self.status = status

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        assert isinstance(error, ClientError), f"expected {self.codes}, got {error!r}"
        code = error.response["Error"]["Code"]
        assert code in self.codes, f"expected {self.codes}, got {code}: {error}"
        if self.status is not None:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == self.status
        self.response = error.response
        return True


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def http(method, url, body=None, headers=None):
    """A request by nobody's SDK. Redirects are answers like any other."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=30) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())


def post_form(url, fields, file, filename="file.bin", content_type="application/octet-stream"):
    """A browser's upload."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()
    ]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\nContent-Type: {content_type}\r\n\r\n'.encode()
    )
    body = b"".join(parts) + file + f"\r\n--{boundary}--\r\n".encode()
    return http("POST", url, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})


@pytest.fixture(scope="session")
def aws():
    """Runs the AWS CLI beside this Python, or on the path; returns what it printed."""
    beside = Path(sys.executable).with_name("aws")
    program = str(beside) if beside.exists() else shutil.which("aws")
    if program is None:
        pytest.skip("the AWS CLI is not installed")

    def run(*arguments, ok=True):
        done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=120)
        assert (done.returncode == 0) == ok, done.stdout + done.stderr
        return done.stdout + ("" if ok else done.stderr)

    return run
