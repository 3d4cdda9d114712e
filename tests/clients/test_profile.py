"""`profile.json` against the schema that is committed, by a validator that knows nothing of us."""

import json
import os
import subprocess
from pathlib import Path

import pytest

jsonschema = pytest.importorskip("jsonschema")

CONVERT = os.environ.get("TABLES_CONVERT")
ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "profile.schema.json").read_text(encoding="utf-8"))
pytestmark = pytest.mark.skipif(not CONVERT, reason="TABLES_CONVERT names no convert binary")

ACCEPTED = sorted((ROOT / "functions" / "tables" / "test_data" / "accepted").iterdir())
UGLY = "id, Näme,id,amount,when,empty\n" + "".join(
    f"{row},{'cafÃ©' if row % 7 == 0 else ' x '},{row % 3},{row / 8},2024-02-{row % 28 + 1:02},\n" for row in range(5000)
)


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", [*ACCEPTED, None], ids=lambda path: path.name if path else "ugly")
def test_profiles_are_as_described(path, tmp_path):
    if path is None:
        path = tmp_path / "ugly.csv"
        path.write_text(UGLY, encoding="utf-8")
    done = subprocess.run([CONVERT, str(path), str(tmp_path / "out")], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    profile = json.loads((tmp_path / "out" / "profile.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(SCHEMA).validate(profile)
    assert profile["rows"] == profile["rows_written"] + profile["rows_rejected"]
    for column in profile["columns"]:
        assert column["count"] + column["nulls"] == profile["rows_written"]
        if column.get("histogram", {}).get("exact"):
            assert sum(bin["count"] for bin in column["histogram"]["bins"]) == column["count"] - column.get("not_finite", 0)
        if top := column.get("top_values"):
            counts = [value["count"] for value in top["values"]]
            assert counts == sorted(counts, reverse=True)
            assert all(value["count"] <= value["at_most"] for value in top["values"])
