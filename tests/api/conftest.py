"""The HTTP API held to its own description, `/openapi.json`.

LONGSHORE_LOCAL names the local stack's binary (and LONGSHORE_BIN the folder of the functions, if they are not beside
it): a fresh stack is started for these tests, and stopped after them.
"""

import os
import re
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from client import Api
from description import Description

TEMPLATE = Path(__file__).parents[2] / "template.yaml"


class Stack:
    """A local stack on free ports, and tokens for it."""

    def __init__(self, binary, folder):
        self.binary = binary
        # A quota that schemathesis, which likes large numbers, does not use up.
        self.place = ["--template", TEMPLATE, "--data-dir", folder, "--parameter", "DailyBytes=9007199254740991"]
        command = [binary, *self.place, "--aws-port", "0", "--api-port", "0", "--retry-delay", "0.2"]
        if "LONGSHORE_BIN" in os.environ:
            command += ["--bin-dir", os.environ["LONGSHORE_BIN"]]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.url = self._started()
        # Its lines are read on, or it would wait for a reader once the pipe is full.
        threading.Thread(target=lambda: [None for _ in self.process.stdout], daemon=True).start()

    def _started(self):
        url = None
        for line in self.process.stdout:
            if found := re.match(r"\s+API\s+(http://\S+)", line):
                url = found[1]
            if line.startswith("One line per invocation"):
                return url
        self.log.seek(0)
        raise RuntimeError(f"{self.binary} did not start: {self.log.read()}")

    def token(self, owner):
        """A token with every scope that a route asks for."""
        port = self.url.rsplit(":", 1)[1]
        command = [self.binary, *self.place, "--api-port", port, "token", owner]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    binary = os.environ.get("LONGSHORE_LOCAL")
    if binary is None:
        pytest.skip("LONGSHORE_LOCAL is not set: no stack to talk to")
    stack = Stack(binary, tmp_path_factory.mktemp("stack"))
    yield stack
    stack.stop()


@pytest.fixture(scope="session")
def description(stack):
    return Description(Api(stack.url).get("/openapi.json").json())


@pytest.fixture
def api(stack, description, request):
    """The API as an owner who has no files yet; every answer is held to the description."""
    owner = re.sub(r"\W", "-", request.node.name)
    return Api(stack.url, stack.token(owner), description)
