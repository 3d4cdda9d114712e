"""schemathesis against a running stack: no 5xx, no answer that is not described, nothing wrong that is taken."""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PHASES = ("examples", "coverage", "fuzzing", "stateful")
# It sends some 1,200 requests in some 90 seconds on two slow cores; far fewer mean that something did not run.
LEAST_CASES = 900
MOST_SECONDS = 400


def test_schemathesis_finds_nothing(stack, description, tmp_path):
    variables = {
        "LONGSHORE_URL": stack.api_url,
        "LONGSHORE_TOKEN": stack.token("schemathesis"),
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    report = tmp_path / "report.json"
    config = ["--config-file", HERE / "schemathesis.toml", "--no-color"]
    how = ["--url", stack.api_url, "--phases", ",".join(PHASES), "--report-json-path", report]
    done = subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), *config, "run", f"{stack.api_url}/openapi.json", *how],
        cwd=tmp_path,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
    )
    # All of its words: they say how to send again what went wrong.
    assert done.returncode == 0, done.stdout[-60_000:] + done.stderr[-5_000:]

    found = json.loads(report.read_text())
    # All but the description itself, which it leaves out.
    assert found["operations"]["tested"] == len(list(description.operations())) - 1
    assert {name: found["phases"][name]["status"] for name in PHASES} == dict.fromkeys(PHASES, "success")
    assert found["test_cases"]["generated"] >= LEAST_CASES
    print(f"schemathesis sent {found['test_cases']['generated']} requests in {found['running_time']:.0f} s")
