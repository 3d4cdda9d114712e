"""A local stack for tests: started on free ports, spoken to through what it prints, stopped."""

import json
import os
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

TEMPLATE = Path(__file__).parents[1] / "template.yaml"


class LocalStack:
    """A running stack. `data` is where it keeps what it is given: a folder, or nowhere."""

    def __init__(self, binary, *options, template=TEMPLATE, data=None, parameters=()):
        self.binary = binary
        self.place = ["--template", template]
        self.place += [word for parameter in parameters for word in ("--parameter", parameter)]
        self.place += ["--data-dir", data] if data else []
        command = [binary, *self.place, "--aws-port", "0", "--api-port", "0", *options]
        command += [] if data else ["--ephemeral"]
        if "LONGSHORE_BIN" in os.environ and "--bin-dir" not in options:
            command += ["--bin-dir", os.environ["LONGSHORE_BIN"]]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.places, self.environment = {}, {}
        self._read_start()
        # Its lines are read on, or it would wait for a reader once the pipe is full.
        self.lines = []
        threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True).start()

    def _read_start(self):
        for line in self.process.stdout:
            # `  name          what`: where everything is. `export NAME=VALUE …`: how to use it.
            if line.startswith("  "):
                self.places.setdefault(line[2:15].strip(), line[15:].strip())
            elif line.startswith("export "):
                self.environment.update(pair.split("=", 1) for pair in line.split()[1:])
            elif line.startswith("One line per invocation"):
                return
        self.log.seek(0)
        raise RuntimeError(f"{self.binary} did not start: {self.log.read()}")

    @property
    def api_url(self):
        return self.places["API"]

    @property
    def aws_endpoint(self):
        return self.places["AWS endpoint"]

    def token(self, owner):
        """A token with every scope that a route asks for."""
        return self._ask("token", owner).strip()

    def told(self, host="127.0.0.1"):
        """What each function is told, by logical id, if it reaches this machine at that address."""
        return json.loads(self._ask("env", "--host", host))

    def _ask(self, *command):
        """What the binary says of the stack in another process; it finds keys and secrets in the data folder."""
        ports = ["--aws-port", port_of(self.aws_endpoint), "--api-port", port_of(self.api_url)]
        command = [self.binary, *self.place, *ports, *command]
        return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


def port_of(url):
    return url.rsplit(":", 1)[1].partition("/")[0]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
