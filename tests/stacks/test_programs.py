"""A stack's name says which program runs; Pulumi's project points at both."""

import runpy
from pathlib import Path

import pytest
import yaml

from model.errors import UserError
from stacks.capture.run import capture
from stacks.platform_program import platform_program
from stacks.programs import known_stacks, program_of, stack_file
from stacks.releases_program import releases_program
from stacks.settings.stack_config import PROJECT, STACKS_FOLDER

ROOT = Path(__file__).parents[2]


def test_the_suffix_decides() -> None:
    assert program_of("prod") is platform_program
    assert program_of("anything") is platform_program
    assert program_of("prod-releases") is releases_program


def test_the_project_is_the_one_that_the_settings_are_named_after() -> None:
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    assert project["name"] == PROJECT
    assert ROOT / project["stackConfigDir"] == STACKS_FOLDER
    assert (ROOT / project["main"] / "__main__.py").exists()
    assert (ROOT / project["runtime"]["options"]["virtualenv"]).is_dir()


def test_pulumis_entry_runs_the_stacks_program() -> None:
    def entry() -> None:
        runpy.run_path(str(ROOT / "__main__.py"))

    captured = capture(entry, stack="dev-releases")
    assert "endpoints" in captured.outputs


def test_only_stack_files_are_stacks(tmp_path: Path) -> None:
    for name in ("Pulumi.a.yaml", "Pulumi.a-releases.yaml", "Pulumi.yaml", "Other.b.yaml"):
        (tmp_path / name).write_text("config: {}")
    assert known_stacks(tmp_path) == ["a", "a-releases"]


def test_no_stack_at_all_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such stack"):
        stack_file("dev", tmp_path)
