"""A client of the API that forms nothing and hides nothing, and what the tests do with it."""

import hashlib
import time
from base64 import b64decode

import requests

ROWS = b"carrier,flight,delay\n" + b"".join(b"UA,%d,%d\n" % (n, n % 60) for n in range(1000))
# 64 by 48 pixels of one colour.
PICTURE = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAAAwCAAAAACEICPDAAAAJUlEQVR42u3MQREAAAwCIKMb3RD77SAA6VEEAoFAIBAIBALB12AwvgBbYhXmNQAAAABJRU5ErkJggg=="
)


class Api:
    """Sends requests as the owner of a token. With a description, each answer is held to it."""

    def __init__(self, url, token=None, description=None):
        self.url, self.description = url, description
        self.http = requests.Session()
        if token:
            self.http.headers["authorization"] = f"Bearer {token}"

    def send(self, method, path, **how):
        answer = self.http.request(method, self.url + path, allow_redirects=False, timeout=60, **how)
        if self.description:
            self.description.hold(method, path, answer)
        return answer

    def get(self, path, **how):
        return self.send("GET", path, **how)

    def post(self, path, **how):
        return self.send("POST", path, **how)

    def delete(self, path, **how):
        return self.send("DELETE", path, **how)

    def announce(self, **what):
        """Announces a file."""
        asked = {"name": "flights.csv", "kind": "auto", "size_bytes": len(ROWS)} | what
        answer = self.post("/v1/uploads", json=asked)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def announce_multipart(self, **what):
        """Announces a file that is uploaded in parts, of which none arrives here."""
        return self.announce(**({"kind": "tables", "size_bytes": 100_000_001} | what))

    def send_form(self, announced, content):
        """Uploads an announced file, as a browser does."""
        upload = announced["upload"]
        sent = requests.post(upload["url"], data=upload["fields"], files={"file": content}, timeout=60)
        assert sent.status_code == 201, sent.text

    def settle(self, file_id):
        """Waits until a file is in a final state."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            answer = self.get(f"/v1/files/{file_id}", params={"wait": 5})
            assert answer.status_code == 200, answer.text
            if answer.json()["status"] not in ("pending", "processing"):
                return answer.json()
        raise AssertionError(f"{file_id} is still {answer.json()['status']} after a minute")

    def picture(self):
        """Uploads a picture and waits for its renditions."""
        return self.upload(PICTURE, name="dot.png")

    def upload(self, content=ROWS, **what):
        """Uploads a file and waits for what becomes of it."""
        announced = self.announce(size_bytes=len(content), **what)
        self.send_form(announced, content)
        return self.settle(announced["file"]["id"])


def sha256(content):
    return hashlib.sha256(content).hexdigest()
