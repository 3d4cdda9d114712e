"""What `make package` promises of its zips."""

import pathlib
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "deploy"))
import glibc  # noqa: E402
import package  # noqa: E402


@pytest.fixture
def bootstrap(tmp_path):
    path = tmp_path / "bootstrap"
    path.write_bytes(bytes(range(256)) * 4096)
    return path


def test_the_same_bootstrap_gives_the_same_bytes(bootstrap):
    first = package.pack(bootstrap).read_bytes()
    # Neither when it was built nor who may run it is part of the package.
    bootstrap.touch()
    bootstrap.chmod(0o600)
    assert package.pack(bootstrap).read_bytes() == first


def test_lambda_finds_an_executable_bootstrap_and_nothing_else(bootstrap):
    with zipfile.ZipFile(package.pack(bootstrap)) as archive:
        (entry,) = archive.infolist()
        assert entry.filename == "bootstrap"
        assert entry.external_attr >> 16 == 0o100755
        assert archive.read(entry) == bootstrap.read_bytes()


def test_every_function_of_the_template_is_packaged():
    template = (ROOT / "template.yaml").read_text()
    in_template = {
        line.split("functions/")[1].strip() for line in template.splitlines() if line.strip().startswith("CodeUri: functions/")
    }
    assert in_template and set(package.functions()) == in_template


def test_a_binary_that_needs_a_newer_glibc_is_refused_by_name(monkeypatch):
    python = pathlib.Path(sys.executable).resolve()
    if not any(glibc.needed(python)):
        pytest.skip("this Python is not linked with glibc")
    monkeypatch.setattr(glibc, "NEWEST", (2, 1))
    with pytest.raises(SystemExit) as refusal:
        glibc.check(python)
    assert str(python) in str(refusal.value) and "GLIBC_2." in str(refusal.value)
