"""The HTTP API held to its own description, `/openapi.json`.

LONGSHORE_LOCAL names the local stack's binary (and LONGSHORE_BIN the folder of the functions, if they are not beside
it): a fresh stack is started for these tests, and stopped after them.
"""

import os
import re

import pytest

from client import Api
from description import Description
from local_stack import LocalStack


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    binary = os.environ.get("LONGSHORE_LOCAL")
    if binary is None:
        pytest.skip("LONGSHORE_LOCAL is not set: no stack to talk to")
    # A quota that schemathesis, which likes large numbers, does not use up.
    quota = ["DailyBytes=9007199254740991"]
    folder = tmp_path_factory.mktemp("stack")
    stack = LocalStack(binary, "--retry-delay", "0.2", data=folder, parameters=quota)
    yield stack
    stack.stop()


@pytest.fixture(scope="session")
def description(stack):
    return Description(Api(stack.api_url).get("/openapi.json").json())


@pytest.fixture
def api(stack, description, request):
    """The API as an owner who has no files yet; every answer is held to the description."""
    owner = re.sub(r"\W", "-", request.node.name)
    return Api(stack.api_url, stack.token(owner), description)
