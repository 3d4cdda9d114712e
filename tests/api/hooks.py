"""Steers schemathesis: real ids in place of made-up ones, no long waits, no word to hosts that are not ours."""

import itertools
import os
from collections import Counter
from urllib.parse import urlsplit, urlunsplit

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

from client import Api

# Where the API refuses more than a schema can say, and why. Anything else that is refused is a fault of one of them.
BEYOND_THE_SCHEMA = {
    ("listFiles", "cursor"): "a cursor is signed",
    ("createUpload", "sha256"): "a file above 100 MB has no SHA-256 of its own",
    ("createUpload", "options.tables"): "options are those of the file's kind",
    ("createUpload", "name"): "a name is measured in bytes, and is neither `.` nor `..`",
    ("signParts", "parts"): "a batch has at most 100 parts",
    ("registerWebhook", "url"): "an endpoint is public, and has a port that webhooks may go to",
    ("getOutput", "inline"): "only JSON is inlined",
} | {
    ("getImage", name): "parameters must go together: no quality where nothing is lost, no cutting without two sides"
    for name in ["fit", "focus", "q", "max_bytes", "progressive", "lossless", "animated"]
}
# What each rendition says must go together too.
RENDITIONS = ("createUpload", "reprocessFile")
# Numbers of parts are those of the upload.
PARTS = ("signParts", "completeUpload")

API = Api(os.environ["LONGSHORE_URL"], os.environ["LONGSHORE_TOKEN"])
TURNS = Counter()
NAMES = itertools.count()
KNOWN = {}


def known(name, make):
    """The id of a file that lasts, made when it is first asked for; and again, since schemathesis deletes what it finds."""
    if name not in KNOWN or API.get(f"/v1/files/{KNOWN[name]}").status_code == 404:
        KNOWN[name] = make()
    return KNOWN[name]


def multipart():
    # As large as a file may be, for the most parts.
    return API.announce_multipart(size_bytes=10 << 30)["file"]["id"]


def done():
    return API.upload()["id"]


def webhook():
    make_room_for_webhooks()
    return API.post("/v1/webhooks", json={"url": "https://hooks.example.com/"}).json()["id"]


def make_room_for_webhooks():
    """An owner may have five endpoints: deletes the oldest of five."""
    webhooks = API.get("/v1/webhooks").json()["webhooks"]
    if len(webhooks) == 5:
        API.delete(f"/v1/webhooks/{webhooks[0]['id']}")


def picture():
    return API.picture()["id"]


def idle():
    file = known("reprocessed", done)
    API.settle(file)
    return file


# What a real id is, by operation. What an operation takes away is made for it each time.
REAL = {
    "abortUpload": lambda: API.announce()["file"]["id"],
    "signParts": lambda: known("multipart", multipart),
    "listParts": lambda: known("multipart", multipart),
    "completeUpload": lambda: known("multipart", multipart),
    "getFile": lambda: known("done", done),
    "deleteFile": lambda: API.announce()["file"]["id"],
    "listFileEvents": lambda: known("done", done),
    "getImage": lambda: known("picture", picture),
    "getOutput": lambda: known("done", done),
    "reprocessFile": idle,
    "deleteWebhook": webhook,
}
OUTPUTS = itertools.cycle(["profile.json", "table.parquet"])


def operation_id(case):
    return case.operation.definition.raw["operationId"]


def is_right(case, location):
    """Whether a part of a request was made to be right, not wrong."""
    return case.meta is not None and not case.meta.is_negative_at(location)


@schemathesis.hook
def before_call(context, case, kwargs):
    name = operation_id(case)
    # A stateful run has ids of its own.
    made_up = case.meta is not None and case.meta.phase.name != TestPhase.STATEFUL
    if name in REAL and made_up and is_right(case, ParameterLocation.PATH):
        TURNS[name] += 1
        # Two in three: made-up ids are sent too.
        if TURNS[name] % 3:
            case.path_parameters["id"] = REAL[name]()
            if "name" in case.path_parameters:
                case.path_parameters["name"] = next(OUTPUTS)
    key = (case.headers or {}).get("Idempotency-Key")
    if key and is_right(case, ParameterLocation.HEADER):
        # One name, one request: else most are refused for a name that they share, and nothing else of them is looked at.
        case.headers["Idempotency-Key"] = f"{next(NAMES)}-{key}"[:255]
    if (case.query or {}).get("cursor") is not None and is_right(case, ParameterLocation.QUERY):
        TURNS["cursor"] += 1
        # One in four: nothing that is made up is a cursor, and what is beside it is not looked for.
        if TURNS["cursor"] % 4:
            del case.query["cursor"]
    wait = (case.query or {}).get("wait")
    # Those that are right stay right: 0, or a second.
    if str(wait).isdigit() and 1 < int(wait) <= 20:
        case.query["wait"] = 1
    # What it makes up may be somebody's: this name is nobody's (RFC 2606).
    if name == "registerWebhook" and isinstance(case.body, dict) and isinstance(case.body.get("url"), str):
        case.body["url"] = nobodys(case.body["url"])
    if name == "registerWebhook":
        TURNS[name] += 1
        # Now and then there is no room.
        if TURNS[name] % 8:
            make_room_for_webhooks()


def nobodys(url):
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url
    if not parts.hostname:
        return url
    return urlunsplit(parts._replace(netloc="hooks.example.com" + (f":{port}" if port else "")))


@schemathesis.check
def refusals_have_a_reason(ctx, response, case):
    """A request that is true to its schema is refused only for what the schema cannot say."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 400:
        return
    problem = response.json()
    name = operation_id(case)
    fields = [error["field"] for error in problem.get("errors", [])]
    unforeseen = [
        field
        for field in fields
        if (name, field) not in BEYOND_THE_SCHEMA
        and not (name in PARTS and field.startswith("parts["))
        and not (name in RENDITIONS and field.startswith("options.images"))
    ]
    assert fields and not unforeseen, f"{name} refuses what its schema allows: {problem}"


@schemathesis.check
def problems_are_problem_documents(ctx, response, case):
    """What we refuse is a problem document that agrees with its status and names the request (RFC 9457)."""
    media_type = response.headers.get("content-type", [""])[0]
    # The gateway refuses by itself who has no token, and what has no route.
    if response.status_code < 400 or response.status_code in (401, 403, 404) and media_type == "application/json":
        return
    problem = response.json()
    assert media_type == "application/problem+json", media_type
    assert problem["status"] == response.status_code
    assert problem["type"].startswith("urn:problem-type:longshore:")
    assert problem["request_id"] == response.headers["x-request-id"][0]
