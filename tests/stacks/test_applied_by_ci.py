"""Who applies what: the one setting that CI and operator both follow."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from model.errors import UserError
from stacks.applied_by_ci import ENVIRONMENTS, applied_by_ci, main
from stacks.settings.stack_config import STACKS_FOLDER

SECTION = "stillhouse:gitops"
FOR_ANY_KIND = {
    "repository": "https://example.com/models.git",
    "state_bucket": "stillhouse-state",
    "image": f"registry.example.com/pulumi@sha256:{'0' * 64}",
}


@pytest.fixture
def stack_files(tmp_path: Path) -> Path:
    for name in ENVIRONMENTS:
        shutil.copy(STACKS_FOLDER / f"Pulumi.{name}.yaml", tmp_path)
    return tmp_path


def set_kind(folder: Path, name: str, kind: str) -> None:
    file = folder / f"Pulumi.{name}.yaml"
    document = yaml.safe_load(file.read_text())
    document["config"][SECTION] = {"kind": kind, **FOR_ANY_KIND}
    file.write_text(yaml.safe_dump(document))


@pytest.mark.parametrize(
    ("kind", "platform", "releases"),
    [
        ("workflow", True, True),
        ("both", True, True),
        ("operator", True, False),
        ("none", False, False),
    ],
)
def test_each_kind_says_what_the_ci_applies(stack_files: Path, kind: str, platform: bool, releases: bool) -> None:
    for name in ENVIRONMENTS:
        set_kind(stack_files, name, kind)
    assert applied_by_ci("platform", stack_files) == (list(ENVIRONMENTS) if platform else [])
    assert applied_by_ci("releases", stack_files) == (list(ENVIRONMENTS) if releases else [])


def test_a_workflow_reads_json_for_what_is_shipped() -> None:
    command = [sys.executable, "-m", "stacks.applied_by_ci", "platform"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=STACKS_FOLDER.parent)
    assert json.loads(done.stdout) == applied_by_ci("platform")


def test_without_a_layer_a_workflow_fails() -> None:
    with pytest.raises(UserError, match=r"which layer\? \(got nothing\)\n\nhint: one of platform, releases"):
        main([])
