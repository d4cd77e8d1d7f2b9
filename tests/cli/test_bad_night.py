"""The bad night of docs/releases.md, line by line: each leaves the shares that its comment says, or is refused."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from model.errors import UserError
from serving.release_repository import commit_change, read_head
from serving.release_verbs import canary, promote
from tests.cli.test_release import file, known

PAGE = Path(__file__).parents[2] / "docs" / "releases.md"
LINE = re.compile(r"^    stillhouse (release .*?) +# (.*)$", re.MULTILINE)


def lines() -> list[tuple[str, str]]:
    """(verb and options, comment) of the walk-through."""
    section = PAGE.read_text().split("## A bad night")[1].split("\n## ")[0]
    return LINE.findall(section)


def test_the_night_goes_as_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    path = file(tmp_path)
    for number in (1, 2):
        commit_change(path, known(number))
    commit_change(path, lambda release: promote(release, version="v1"))
    commit_change(path, lambda release: canary(release, version="v2", weight=10))
    assert len(lines()) == 12
    for words, comment in lines():
        options = ["--endpoint", "churn", "--repo", str(tmp_path), "--run", str(tmp_path / "run")]
        done = CliRunner().invoke(app, [*shlex.split(words), *options])
        outcome, colon, refusal = comment.partition(": ")
        if colon:
            assert outcome == "refused"
            assert isinstance(done.exception, UserError), words
            assert refusal in str(done.exception)
            continue
        assert done.exit_code == 0, (words, done.exception)
        weights = read_head(path).weights()
        assert ", ".join(f"{version} {weight}" for version, weight in weights.items()) == comment, words
