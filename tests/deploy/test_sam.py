"""`sam local` for real: the packages in containers, on the local stack, invoked with the files of `events/`."""

import json
import shutil
import subprocess
import time

import pytest
import requests

from conftest import HOST, beside_python, package
from invocation import CHECKS
from local_stack import TEMPLATE, free_port


class Sam:
    """`sam local` with a function's package in place of what `sam build` makes."""

    def __init__(self, docker, stack, folder, function):
        self.program, bootstrap = beside_python("sam"), package(HOST, function)
        self.environment = docker.environment | stack.environment | {"SAM_CLI_TELEMETRY": "0"}
        self.folder = folder
        code = folder / "code"
        code.mkdir(parents=True)
        shutil.copy(bootstrap, code)
        text, source = TEMPLATE.read_text(), f"CodeUri: functions/{function}"
        assert source in text
        (folder / "template.yaml").write_text(text.replace(source, f"CodeUri: {code}"))
        (folder / "told.json").write_text(json.dumps(stack.told(docker.gateway())))

    def command(self, *words):
        told = ["--template", "template.yaml", "--env-vars", "told.json", "--skip-pull-image"]
        return [self.program, "local", *words, *told, "--parameter-overrides", f"Architecture={HOST}"]

    def invoke(self, function, payload):
        """`sam local invoke`, with the payload on its standard input."""
        command = self.command("invoke", function.capitalize(), "--event", "-")
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, input=payload, capture_output=True, text=True, timeout=240
        )
        assert done.returncode == 0, done.stderr
        # The function's log goes to stderr.
        try:
            return json.loads(done.stdout)
        except json.JSONDecodeError as problem:
            problem.add_note(done.stdout + done.stderr)
            raise


@pytest.fixture
def stack(docker, start_stack):
    return start_stack(f"--container-access={docker.gateway()}")


@pytest.mark.parametrize("function", CHECKS)
def test_sam_local_invoke(function, docker, stack, tmp_path):
    CHECKS[function](stack, Sam(docker, stack, tmp_path / "sam", function).invoke)


def test_sam_local_start_api(docker, stack, tmp_path):
    sam = Sam(docker, stack, tmp_path / "sam", "api")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = tmp_path / "log"
    with log.open("wb") as sink:
        command = sam.command("start-api", "--port", str(port), "--warm-containers", "LAZY")
        server = subprocess.Popen(command, cwd=sam.folder, env=sam.environment, stdout=sink, stderr=sink)
    try:
        end = time.monotonic() + 120
        while True:
            try:
                healthy = requests.get(f"{url}/healthz", timeout=120)
                break
            except requests.ConnectionError:
                assert server.poll() is None and time.monotonic() < end, log.read_text(errors="replace")
                time.sleep(0.2)
        assert (healthy.status_code, healthy.json()) == (200, {"status": "ok"}), healthy.text
        described = requests.get(f"{url}/openapi.json", timeout=60)
        assert described.json()["openapi"].startswith("3.1")
        # SAM knows no JWT authorizers and passes requests on unverified; the function takes nobody's word.
        for headers in ({}, {"Authorization": f"Bearer {stack.token('you')}"}):
            listed = requests.get(f"{url}/v1/files", headers=headers, timeout=60)
            announced = requests.post(f"{url}/v1/uploads", headers=headers, json={"name": "a.csv", "kind": "auto"}, timeout=60)
            for answer in (listed, announced):
                assert answer.status_code == 401, answer.text
                assert answer.json()["title"] == "the request has no verified caller"
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
