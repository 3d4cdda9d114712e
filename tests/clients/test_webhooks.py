"""What `notify` signs, verified by the library of the Standard Webhooks project.

Runs the `sign` example named by NOTIFY_SIGN.
"""

import base64
import datetime
import json
import os
import secrets
import subprocess

import pytest

standardwebhooks = pytest.importorskip("standardwebhooks")

SIGN = os.environ.get("NOTIFY_SIGN")
pytestmark = pytest.mark.skipif(not SIGN, reason="NOTIFY_SIGN names no sign binary")

BODIES = [
    "{}",
    json.dumps({"type": "file.done", "data": {"name": "ü 🚢.csv", "report": [1, 2.5, None]}}, ensure_ascii=False),
    json.dumps({"type": "file.rejected", "data": {"message": 'a "quote",\n a line'}}),
    json.dumps({"type": "file.done", "data": {"report": "x" * 60_000}}),
]


def new_secret(size):
    return "whsec_" + base64.b64encode(secrets.token_bytes(size)).decode()


def signed(secret, body, webhook_id="01KAJ9Q8G0EXAMPKE000000000_1_done", at=None):
    at = at or datetime.datetime.now(tz=datetime.timezone.utc)
    timestamp = str(int(at.timestamp()))
    command = [SIGN, secret, webhook_id, timestamp]
    signature = subprocess.run(command, input=body.encode(), capture_output=True, check=True, timeout=30).stdout
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature.decode().strip(),
    }


@pytest.mark.parametrize("size", [24, 32, 33, 64])
@pytest.mark.parametrize("body", BODIES, ids=len)
def test_a_delivery_verifies(size, body):
    secret = new_secret(size)
    assert standardwebhooks.Webhook(secret).verify(body, signed(secret, body)) == json.loads(body)


@pytest.mark.parametrize("change", ["body", "secret", "id", "timestamp", "age"])
def test_a_delivery_that_was_changed_does_not(change):
    secret, body = new_secret(32), BODIES[1]
    headers = signed(secret, body)
    if change == "body":
        body = body.replace("done", "gone")
    elif change == "secret":
        secret = new_secret(32)
    elif change == "id":
        headers["webhook-id"] = headers["webhook-id"].replace("_1_", "_2_")
    elif change == "timestamp":
        headers["webhook-timestamp"] = str(int(headers["webhook-timestamp"]) + 1)
    else:
        old = datetime.datetime.now(tz=datetime.timezone.utc) - datetime.timedelta(minutes=6)
        headers = signed(secret, body, at=old)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(body, headers)
