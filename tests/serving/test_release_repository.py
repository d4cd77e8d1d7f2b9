"""Commits of the release file, in real git repositories."""

import subprocess
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from model.errors import UserError
from serving.release import Release, read_release
from serving.release_change import Change
from serving.release_repository import commit_change, history, read_head
from serving.release_verbs import canary, promote, register

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    git(tmp_path, "init", "--quiet")
    return tmp_path


@pytest.fixture
def path(root: Path) -> Path:
    return root / "stacks/releases/dev/churn.yaml"


def registering(number: int) -> partial[Change]:
    return partial(
        register, version=f"v{number}", digest=f"sha256:{number:064x}", uri=f"runs/v{number}", registered=NOW
    )


def with_canary(path: Path) -> None:
    for number in (1, 2):
        commit_change(path, registering(number))
    commit_change(path, lambda release: promote(release, version="v1"))
    commit_change(path, lambda release: canary(release, version="v2", weight=10))


def test_each_verb_is_one_commit_of_one_file(root: Path, path: Path) -> None:
    with_canary(path)
    assert read_release(path).weights() == {"v1": 90, "v2": 10}
    assert read_head(path) == read_release(path)
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "log", "--format=%s").splitlines()[0] == "release(churn): canary v2 at 10 %"
    assert git(root, "show", "--name-only", "--format=", "HEAD").split() == ["stacks/releases/dev/churn.yaml"]


def test_history_reads_the_trailers_back(path: Path) -> None:
    with_canary(path)
    newest, *_, oldest = history(path)
    assert newest.trailers == {
        "Verb": "canary",
        "Stable": "v1",
        "Stable-Digest": f"sha256:{1:064x}",
        "Candidate": "v2",
        "Candidate-Digest": f"sha256:{2:064x}",
        "Weight": "10",
    }
    assert oldest.trailers == {"Verb": "register", "Stable": "none", "Candidate": "none"}
    assert newest.author == "stillhouse"
    assert newest.when.tzinfo is not None


def test_history_of_an_empty_repository_is_empty(path: Path) -> None:
    path.parent.mkdir(parents=True)
    assert history(path) == []


def test_staged_and_edited_neighbours_are_left_as_they_are(root: Path, path: Path) -> None:
    commit_change(path, registering(1))
    (root / "staged.txt").write_text("staged")
    git(root, "add", "staged.txt")
    (root / "loose.txt").write_text("loose")
    commit_change(path, registering(2))
    assert git(root, "status", "--porcelain").splitlines() == ["A  staged.txt", "?? loose.txt"]


@pytest.mark.parametrize("staged", [False, True])
def test_edits_that_are_not_committed_are_refused_and_kept(root: Path, path: Path, staged: bool) -> None:
    commit_change(path, registering(1))
    path.write_text(path.read_text() + "# mine\n")
    if staged:
        git(root, "add", str(path))
    with pytest.raises(UserError, match="has edits that are not committed"):
        commit_change(path, registering(2))
    assert path.read_text().endswith("# mine\n")
    assert len(history(path)) == 1


def test_an_untracked_file_is_refused(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("endpoint: churn\n")
    with pytest.raises(UserError, match="not committed"):
        commit_change(path, registering(1))


def test_a_verb_that_refuses_commits_nothing(path: Path) -> None:
    commit_change(path, registering(1))
    with pytest.raises(UserError, match="not registered"):
        commit_change(path, lambda release: promote(release, version="v7"))
    assert len(history(path)) == 1


def test_a_writer_that_was_overtaken_is_refused(path: Path) -> None:
    commit_change(path, registering(1))

    def overtaken(release: Release) -> Change:
        commit_change(path, registering(2))
        return registering(3)(release)

    with pytest.raises(UserError, match="changed in HEAD while this verb ran"):
        commit_change(path, overtaken)
    assert set(read_release(path).versions) == {"v1", "v2"}


def test_a_commit_elsewhere_meanwhile_is_built_upon(root: Path, path: Path) -> None:
    commit_change(path, registering(1))
    other = root / "stacks/releases/dev/fraud.yaml"

    def while_another_moves(release: Release) -> Change:
        commit_change(other, registering(9))
        return registering(2)(release)

    commit_change(path, while_another_moves)
    assert set(read_release(path).versions) == {"v1", "v2"}
    assert set(read_release(other).versions) == {"v9"}
    assert len(git(root, "log", "--format=%H").split()) == 3


def test_a_folder_without_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is in no git checkout"):
        commit_change(tmp_path / "churn.yaml", registering(1))
