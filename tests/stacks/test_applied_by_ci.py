"""Who applies what: the one setting that CI and operator both follow."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from model.errors import UserError
from stacks.applied_by_ci import ENVIRONMENTS, applied_by_ci, main
from stacks.settings.stack_config import STACKS_FOLDER

KIND = re.compile(r"(stillhouse:gitops:\n(?:    .*\n)*?    kind: )\w+")
REST = "\n    repository: https://example.com/models.git\n    state_bucket: stillhouse-state"


@pytest.fixture
def stack_files(tmp_path: Path) -> Path:
    for name in ENVIRONMENTS:
        shutil.copy(STACKS_FOLDER / f"Pulumi.{name}.yaml", tmp_path)
    return tmp_path


def set_kind(folder: Path, name: str, kind: str) -> None:
    file = folder / f"Pulumi.{name}.yaml"
    text = re.sub(r"\n    (repository|state_bucket): .*", "", file.read_text())
    changed, count = KIND.subn(rf"\g<1>{kind}{REST}", text)
    assert count == 1, file
    file.write_text(changed)


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
