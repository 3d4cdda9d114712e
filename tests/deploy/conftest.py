"""What is deployed, run before it is: each function's package behind AWS's Runtime Interface Emulator, under QEMU, and in
the containers of `sam local`, against a local stack.

LONGSHORE_LOCAL names the stack's binary, the functions' development builds beside it. Packages are what `make package`
makes: `target/package/<architecture>/<function>/bootstrap`, or another folder that LONGSHORE_PACKAGES names. What is
missing skips the tests that need it, by name.
"""

import os
import platform
import sys
from pathlib import Path

import pytest

from docker_daemon import docker_daemon
from local_stack import TEMPLATE, LocalStack

ROOT = TEMPLATE.parent
PACKAGES = Path(os.environ.get("LONGSHORE_PACKAGES", ROOT / "target" / "package"))
# Lambda's name of this machine's architecture; AWS builds its tools for these two alone.
HOST = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower())


def package(architecture, function):
    """A function's bootstrap."""
    if architecture is None:
        pytest.skip(f"Lambda does not run on {platform.machine()}: there is no package for it")
    bootstrap = PACKAGES / architecture / function / "bootstrap"
    if not bootstrap.is_file():
        pytest.skip(f"{bootstrap} is missing: make package ARCH={architecture} FUNCTION={function}")
    return bootstrap


def development_build(function):
    """A function as `make dev` runs it."""
    return Path(os.environ.get("LONGSHORE_BIN", Path(os.environ["LONGSHORE_LOCAL"]).parent), function).absolute()


def beside_python(program):
    """A program that came with the requirements."""
    found = Path(sys.executable).with_name(program)
    if not found.exists():
        pytest.skip(f"{program} is not installed beside {sys.executable}: deploy/requirements.txt")
    return found


@pytest.fixture
def start_stack(tmp_path):
    """Starts stacks of the template in which no change of a bucket triggers a function: tests send the events."""
    binary = os.environ.get("LONGSHORE_LOCAL")
    if not binary:
        pytest.skip("LONGSHORE_LOCAL is not set: no stack to talk to")
    triggers = '["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]'
    text = TEMPLATE.read_text()
    assert triggers in text
    template = tmp_path / "quiet.yaml"
    template.write_text(text.replace(triggers, '["s3:ObjectRestore:*"]'))
    stacks = []

    def start(*options):
        stacks.append(LocalStack(binary, *options, template=template, data=tmp_path / f"data-{len(stacks)}"))
        return stacks[-1]

    yield start
    for stack in stacks:
        stack.stop()


@pytest.fixture(scope="session")
def docker(tmp_path_factory):
    """A Docker that runs: the machine's, or one of our own for these tests."""
    if not (PACKAGES / str(HOST)).is_dir():
        pytest.skip(f"{PACKAGES / str(HOST)} is missing: make package ARCH={HOST}")
    with docker_daemon(tmp_path_factory.mktemp("docker"), HOST) as daemon:
        yield daemon
