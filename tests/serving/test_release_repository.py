"""Commits of the release file, in real git repositories."""

import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from model.errors import UserError
from serving.release import Release, read_release
from serving.release_change import Change
from serving.release_evidence import EvidenceFile, evidence_path
from serving.release_repository import (
    commit_change,
    history,
    preview_change,
    read_evidence,
    read_head,
    recover,
)
from serving.release_verbs import canary, promote, ramp, register, rollback

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


def test_evidence_lies_beside_the_file_in_the_same_commit(root: Path, path: Path) -> None:
    with_canary(path)
    file = EvidenceFile(text='{"verdict": "rollback"}\n')
    done = commit_change(path, lambda release: rollback(release, reason="errors", verdict="rollback", evidence=file))
    assert done.commit is not None
    names = git(root, "show", "--name-only", "--format=", done.commit).split()
    hexadecimal = file.digest.removeprefix("sha256:")
    assert names == ["stacks/releases/dev/churn.yaml", f"stacks/releases/dev/evidence/{hexadecimal}.json"]
    assert evidence_path(path, file.digest).read_text() == file.text
    assert read_evidence(path, file.digest) == file
    assert git(root, "status", "--porcelain") == ""
    trailers = history(path)[0].trailers
    assert (trailers["Verdict"], trailers["Evidence"], trailers["Rejected"]) == (
        "rollback",
        file.digest,
        f"sha256:{2:064x}",
    )


def test_evidence_that_is_not_there_or_was_changed_is_refused(root: Path, path: Path) -> None:
    with_canary(path)
    file = EvidenceFile(text="{}\n")
    with pytest.raises(UserError, match="evidence is not in HEAD"):
        read_evidence(path, file.digest)
    place = evidence_path(path, file.digest)
    place.parent.mkdir()
    place.write_text("[]\n")
    git(root, "add", str(place))
    git(root, "-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "-qm", "edit")
    with pytest.raises(UserError, match="evidence was changed"):
        read_evidence(path, file.digest)


def test_a_verb_that_changes_nothing_commits_nothing(path: Path) -> None:
    with_canary(path)
    done = commit_change(path, lambda release: Change(release=release, verb="advance", reason="wait"))
    assert (done.commit, done.change.reason) == (None, "wait")
    assert len(history(path)) == 4


def test_a_preview_shows_the_diff_and_the_message_and_does_nothing(root: Path, path: Path) -> None:
    with_canary(path)
    before = git(root, "rev-parse", "HEAD")
    preview = preview_change(path, rollback)
    assert "-candidate:" in preview.diff.splitlines()
    assert "+candidate: null" in preview.diff.splitlines()
    assert preview.message.startswith("release(churn): roll back v2 from 10 %: by hand\n\nVerb: rollback\n")
    assert git(root, "rev-parse", "HEAD") == before
    assert git(root, "status", "--porcelain") == ""
    assert preview_change(path, lambda release: Change(release=release, verb="advance", reason="")).diff == ""
    done = commit_change(path, rollback)
    assert done.commit is not None
    assert git(root, "log", "-1", "--format=%B").strip() == preview.message.strip()


def test_the_comment_at_the_top_outlives_the_verbs(root: Path, path: Path) -> None:
    with_canary(path)
    path.write_text("# Ours, until spring.\n" + path.read_text())
    git(root, "-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "-qam", "say so")
    commit_change(path, rollback)
    assert path.read_text().startswith("# Ours, until spring.\nschema:")
    assert history(path)[1].trailers == {}


def test_a_half_written_file_is_refused_and_kept(path: Path) -> None:
    with_canary(path)
    half = path.read_text()[:200]
    path.write_text(half)
    with pytest.raises(UserError, match="has edits that are not committed"):
        commit_change(path, rollback)
    assert path.read_text() == half
    assert read_head(path).weights() == {"v1": 90, "v2": 10}


def test_a_half_written_file_in_a_commit_names_the_line(root: Path, path: Path) -> None:
    with_canary(path)
    path.write_text(path.read_text().replace("  weight: 10\n", "  weight: 1"))
    git(root, "-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "-qam", "oops")
    with pytest.raises(UserError, match=r"is not YAML: .*\n.*line \d+"):
        commit_change(path, rollback)


def test_a_conflict_is_refused(root: Path, path: Path) -> None:
    with_canary(path)
    me = ("-c", "user.name=x", "-c", "user.email=x@localhost")
    git(root, "checkout", "-qb", "other")
    commit_change(path, lambda release: ramp(release, weight=20))
    git(root, "checkout", "-q", "-")
    commit_change(path, lambda release: ramp(release, weight=30))
    conflict = subprocess.run(["git", "-C", str(root), *me, "merge", "-q", "other"], check=False, capture_output=True)
    assert conflict.returncode == 1
    with pytest.raises(UserError, match=r"has a conflict that is not resolved .*UU.*\n\nhint: resolve and commit it"):
        commit_change(path, rollback)


KILLED = """
import os, sys
from pathlib import Path
import serving.git
from serving.release_repository import commit_change
from serving.release_verbs import rollback

def die(*_: object) -> None:
    os._exit(9)

setattr(serving.git.Checkout, sys.argv[2], die)
commit_change(Path(sys.argv[1]), rollback)
"""


@pytest.mark.parametrize("at", ["write", "put_in_index", "swap_head"])
def test_a_verb_that_is_killed_is_finished_by_the_next(root: Path, path: Path, at: str) -> None:
    """A commit puts into an index twice: into its own, and at the very end into the user's."""
    with_canary(path)
    killed = KILLED
    if at == "put_in_index":
        killed = killed.replace("die(*_: object)", "die(self: object, files: object, *, env: object = None)").replace(
            "    os._exit(9)", "    if env is None: os._exit(9)\n    real(self, files, env=env)"
        )
        killed = killed.replace("def die", "real = serving.git.Checkout.put_in_index\n\ndef die")
    command = [sys.executable, "-c", killed, str(path), at]
    assert subprocess.run(command, check=False, cwd=Path(__file__).parents[2]).returncode == 9
    done = at != "swap_head"
    assert read_head(path).weights() == ({"v1": 100} if done else {"v1": 90, "v2": 10})
    assert read_release(path).weights() == ({"v1": 90, "v2": 10} if at != "put_in_index" else {"v1": 100})
    assert recover(path) == (["stacks/releases/dev/churn.yaml"] if at == "write" else [])
    assert read_release(path) == read_head(path)
    assert git(root, "status", "--porcelain") == ""
    commit_change(path, registering(3))
    assert "v3" in read_release(path).versions
    assert recover(path) == []


def test_an_edit_after_a_kill_is_the_users_own(root: Path, path: Path) -> None:
    with_canary(path)
    command = [sys.executable, "-c", KILLED, str(path), "write"]
    assert subprocess.run(command, check=False, cwd=Path(__file__).parents[2]).returncode == 9
    path.write_text("# mine\n" + path.read_text())
    with pytest.raises(UserError, match="has edits that are not committed"):
        commit_change(path, registering(3))
    assert path.read_text().startswith("# mine\n")
