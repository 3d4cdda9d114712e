"""Each ARM64 package under QEMU, on this machine: the local stack starts it as it starts a function."""

import json
import shlex
import shutil
from pathlib import Path

import pytest

from conftest import HOST, development_build, package
from invocation import CHECKS, client

# Of ARM64's own C library (Debian: libc6:arm64). That of Debian's cross compilers, 2.36-8cross1, will not do: under QEMU
# its pthread_create never returns.
LOADER = Path("/lib/ld-linux-aarch64.so.1")


def emulated(bootstrap):
    """A program that runs an ARM64 one."""
    if HOST == "arm64":
        return f"#!/bin/sh\nexec {shlex.quote(str(bootstrap))}\n"
    qemu = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if qemu is None:
        pytest.skip("qemu-aarch64-static is not installed (Debian: qemu-user-static)")
    if not LOADER.exists():
        pytest.skip(f"{LOADER} is missing: ARM64's libc (Debian: dpkg --add-architecture arm64, libc6:arm64)")
    return f"#!/bin/sh\nexec {qemu} {shlex.quote(str(bootstrap))}\n"


@pytest.mark.parametrize("function", CHECKS)
def test_the_arm64_package_answers(function, start_stack, tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / function
    program.write_text(emulated(package("arm64", function).absolute()))
    program.chmod(0o755)
    if function == "intake":
        # What it hands over, this machine's own `tables` takes.
        (folder / "tables").symlink_to(development_build("tables"))
    stack = start_stack("--bin-dir", folder)
    functions = client(stack, "lambda")

    def invoke(name, payload):
        answer = functions.invoke(FunctionName=f"longshore-{name}", Payload=payload)
        body = answer["Payload"].read().decode()
        assert "FunctionError" not in answer, body + "".join(stack.lines)
        return json.loads(body)

    CHECKS[function](stack, invoke)
