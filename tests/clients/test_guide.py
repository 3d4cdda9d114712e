"""docs/api.md, run as its reader runs it: the `sh` blocks in one shell, the `python` blocks as one program.

Takes the API's address and a token from API and TOKEN: those of the stack that was started for these tests, or of a deployment.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "api.md"
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# bash itself names no line when a command ends it. In a function the line of its call comes second.
NAME_THE_LINE = "trap 'echo \"failed: line $LINENO ${BASH_LINENO[*]} of the guide\" >&2' ERR"

pytestmark = pytest.mark.skipif(not {"API", "TOKEN"} <= os.environ.keys(), reason="API and TOKEN are not set")


def program(language):
    """The blocks of a language, each on the lines that it has in the guide, so that errors name those."""
    text = GUIDE.read_text(encoding="utf-8")
    lines = [""] * text.count("\n")
    for block in FENCED.finditer(text):
        if block[1] == language:
            first = text.count("\n", 0, block.start(2))
            code = block[2].splitlines()
            lines[first : first + len(code)] = code
    assert any(lines), f"{GUIDE} has no {language} block"
    return lines


def run(command, lines, folder):
    file = folder / "guide"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    # The Python that the shell's blocks call is this one.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [*command, file], cwd=folder, env=os.environ | {"PATH": path}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300
    )
    assert done.returncode == 0, f"the {command[0]} blocks ended with {done.returncode}:\n{done.stdout}"


def test_the_shell_blocks(tmp_path):
    _heading, *lines = program("sh")
    run(["bash", "-Eeuo", "pipefail"], [NAME_THE_LINE, *lines], tmp_path)


def test_the_python_blocks(tmp_path):
    run([sys.executable], program("python"), tmp_path)
