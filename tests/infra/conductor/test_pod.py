"""What the conductor's pod is told, tried with the real git and the real shell."""

import os
import subprocess
from pathlib import Path

import pytest

from infra.conductor.pod import BEAT, beats, environment

TOKEN = "/var/run/git/token"


def test_git_takes_the_token_from_its_file_each_time(tmp_path: Path) -> None:
    token = tmp_path / "token"
    told = {name: value.replace(TOKEN, str(token)) for name, value in environment().items()}
    assert told != environment(), "the helper names the file"
    seen = []
    for secret in ("first", "second"):
        token.write_text(f"{secret}\n")
        filled = subprocess.run(
            ["git", "credential", "fill"],
            input="protocol=https\nhost=git.example\n\n",
            capture_output=True,
            text=True,
            check=True,
            env={"PATH": os.environ["PATH"], **told, "HOME": str(tmp_path)},
        ).stdout
        seen.append(dict(line.split("=", 1) for line in filled.split()))
    assert [one["password"] for one in seen] == ["first", "second"]
    assert seen[0]["username"]


@pytest.mark.parametrize(("minutes", "lives"), [(None, False), (0, True), (30, False)])
def test_a_conductor_lives_while_its_passes_are_recent(tmp_path: Path, minutes: int | None, lives: bool) -> None:
    beat = tmp_path / "beat"
    if minutes is not None:
        beat.touch()
        then_s = beat.stat().st_mtime - 60 * minutes
        os.utime(beat, (then_s, then_s))
    asked = [word.replace(BEAT, str(beat)) for word in beats()]
    assert (subprocess.run(asked, check=False).returncode == 0) is lives


def test_nothing_that_is_told_is_a_secret() -> None:
    assert not any(word in name for name in environment() for word in ("TOKEN", "SECRET", "PASSWORD"))
