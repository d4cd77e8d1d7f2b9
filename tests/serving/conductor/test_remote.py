"""The branch that a cluster follows, in real repositories: pushes, pulls, races, and a clone that is somebody's own."""

from functools import partial
from pathlib import Path

import pytest

from model.errors import UserError
from serving.conductor.remote import Remote, cloned
from serving.release_repository import commit_change, read_head
from serving.release_verbs import promote, register
from tests.serving.faults.night import git
from tests.serving.test_release_verbs import NOW, digest

NAME = "stacks/releases/dev/churn.yaml"


@pytest.fixture
def clones(tmp_path: Path) -> tuple[Path, Path]:
    """Two clones of one bare repository, which has a release file with one version."""
    bare, ours, theirs = (tmp_path / name for name in ("origin.git", "ours", "theirs"))
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(tmp_path, "clone", "--quiet", str(bare), str(ours))
    git(ours, "checkout", "--quiet", "-B", "main")
    for each in (ours,):
        commit_change(each / NAME, partial(register, version="v1", digest=digest(1), uri="v1", registered=NOW))
        git(each, "push", "--quiet", "origin", "HEAD:refs/heads/main")
    git(tmp_path, "clone", "--quiet", "--branch", "main", str(bare), str(theirs))
    return ours / NAME, theirs / NAME


def head(path: Path) -> str:
    return git(path.parent, "rev-parse", "HEAD").strip()


def test_what_is_committed_here_goes_out_and_what_others_pushed_comes_in(clones: tuple[Path, Path]) -> None:
    ours, theirs = clones
    commit_change(ours, partial(promote, version="v1"))
    Remote(release_path=ours).sync()
    Remote(release_path=theirs).sync()
    assert head(ours) == head(theirs)
    assert theirs.read_text() == ours.read_text()
    Remote(release_path=ours).sync()


def test_a_decision_that_lost_a_race_is_dropped(clones: tuple[Path, Path]) -> None:
    ours, theirs = clones
    commit_change(theirs, partial(register, version="v2", digest=digest(2), uri="v2", registered=NOW))
    Remote(release_path=theirs).sync()
    commit_change(ours, partial(promote, version="v1"))
    Remote(release_path=ours).sync()
    assert head(ours) == head(theirs)
    assert read_head(ours).stable is None, "it is decided about anew"
    assert set(read_head(ours).versions) == {"v1", "v2"}


def test_somebodys_work_is_never_dropped(clones: tuple[Path, Path]) -> None:
    ours, theirs = clones
    commit_change(theirs, partial(promote, version="v1"))
    Remote(release_path=theirs).sync()
    (ours.parent / "notes.txt").write_text("mine")
    git(ours.parent, "add", ".")
    git(ours.parent, "-c", "user.name=ada", "-c", "user.email=ada@example.com", "commit", "-qm", "notes")
    before = head(ours)
    with pytest.raises(UserError, match=r"is nobody's decision(.|\n)*hint: give the conductor a clone of its own"):
        Remote(release_path=ours).sync()
    assert head(ours) == before


def test_a_remote_that_is_away_is_named(clones: tuple[Path, Path]) -> None:
    ours, _ = clones
    git(ours.parent, "remote", "set-url", "origin", str(ours.parent / "nowhere.git"))
    with pytest.raises(UserError, match="git fetch failed"):
        Remote(release_path=ours).sync()


def test_a_clone_is_made_once_and_one_that_was_cut_short_is_begun_anew(clones: tuple[Path, Path]) -> None:
    bare, root = clones[0].parents[4] / "origin.git", clones[0].parents[4] / "deep/clone"
    draft = root.with_name("clone.draft")
    draft.mkdir(parents=True)
    (draft / "half").write_text("")
    cloned(str(bare), root, branch="main")
    assert read_head(root / NAME).versions.keys() == {"v1"}
    assert not draft.exists()
    commit_change(root / NAME, partial(promote, version="v1"))
    cloned(str(bare), root, branch="main")
    assert read_head(root / NAME).stable is not None, "what was decided is still there"


def test_a_clone_of_something_else_is_refused(clones: tuple[Path, Path]) -> None:
    with pytest.raises(UserError, match=r"is no clone of https://git.example/other.git"):
        cloned("https://git.example/other.git", clones[0].parents[3], branch="main")
    assert head(clones[0])


def test_a_clone_that_cannot_be_made_leaves_nothing_that_passes_for_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="git clone failed"):
        cloned(str(tmp_path / "nowhere.git"), tmp_path / "clone", branch="main")
    assert not (tmp_path / "clone").exists()
