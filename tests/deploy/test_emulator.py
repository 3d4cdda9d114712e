"""Each package of this machine's architecture behind AWS's own Runtime Interface Emulator, which comes with the SAM CLI."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from conftest import HOST, package
from invocation import CHECKS
from local_stack import free_port

PATH = "/2015-03-31/functions/function/invocations"


def emulator():
    spec = importlib.util.find_spec("samcli")
    if spec is None:
        pytest.skip("aws-sam-cli is not installed: deploy/requirements.txt")
    program = Path(spec.origin).parent / "local" / "rapid" / f"aws-lambda-rie-{HOST}"
    if not program.is_file() or sys.platform != "linux":
        pytest.skip(f"the SAM CLI has no Runtime Interface Emulator for this machine: {program.name}")
    return program


class Emulated:
    """A function behind the emulator. One invocation at a time: it crashes on two."""

    def __init__(self, program, bootstrap, environment, log):
        self.port = free_port()
        command = [program, "--runtime-interface-emulator-address", f"127.0.0.1:{self.port}"]
        command += ["--runtime-api-address", f"127.0.0.1:{free_port()}", bootstrap]
        # A group of its own: the emulator does not end its function.
        self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)

    def invoke(self, payload):
        end = time.monotonic() + 20
        while True:
            try:
                answer = requests.post(f"http://127.0.0.1:{self.port}{PATH}", data=payload.encode(), timeout=120)
                return answer.json()
            except requests.ConnectionError:
                assert self.process.poll() is None and time.monotonic() < end, "the emulator does not answer"
                time.sleep(0.05)

    def stop(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.mark.parametrize("function", CHECKS)
def test_the_package_answers_behind_the_emulator(function, start_stack, tmp_path):
    program, bootstrap = emulator(), package(HOST, function)
    stack = start_stack()
    environment = stack.environment | stack.told()[function.capitalize()]
    environment |= {"AWS_LAMBDA_FUNCTION_NAME": function, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"}
    log = tmp_path / "log"
    with log.open("wb") as sink:
        emulated = Emulated(program, bootstrap.absolute(), environment, sink)
        try:
            CHECKS[function](stack, lambda _, payload: emulated.invoke(payload))
        except Exception as problem:
            problem.add_note(log.read_text(errors="replace"))
            raise
        finally:
            emulated.stop()
