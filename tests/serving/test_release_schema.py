"""docs/release.schema.json is the form that the types say, and it knows what the shipped files hold."""

import json
from pathlib import Path
from typing import Any

import pytest

from serving import release_parts
from serving.release import Release, read_release
from serving.release_schema import schema_text

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "stacks" / "releases").glob("*/*.yaml"))


def test_the_stored_schema_is_the_present_one() -> None:
    assert (ROOT / "docs" / "release.schema.json").read_text() == schema_text(), "run `make docs`"


def test_every_field_of_ours_is_described_or_says_all_by_its_name() -> None:
    schema: dict[str, Any] = json.loads(schema_text())
    ours = {"Release", "Verification", "ByHeader", "ByEntity", *vars(release_parts)} & {"Release", *schema["$defs"]}
    parts = {name: schema if name == "Release" else schema["$defs"][name] for name in ours}
    silent = {
        name
        for part in parts.values()
        for name, field in part["properties"].items()
        if "description" not in field and "$ref" not in field
    }
    assert len(parts) >= 10
    assert silent <= {"schema", "endpoint", "stable", "candidate", "version", "digest", "reason", "kind"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_shipped_files_name_the_schema_for_editors(path: Path) -> None:
    reference = "# yaml-language-server: $schema=../../../docs/release.schema.json"
    assert reference in path.read_text().splitlines()
    assert isinstance(read_release(path), Release)
