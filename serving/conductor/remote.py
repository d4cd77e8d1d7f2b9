"""The branch that a cluster follows: what others pushed comes in, what was committed here goes out."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from model.errors import UserError
from serving.git import Checkout, locate


def cloned(url: str, root: Path, *, branch: str) -> None:
    """Have a clone of the branch at `root`; one that was cut short is begun anew.

    Raises:
        UserError: the remote does not answer, or something else is there.
    """
    if not root.exists():
        root.parent.mkdir(parents=True, exist_ok=True)
        draft = root.with_name(f"{root.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        Checkout(root=root.parent).run("clone", "--quiet", "--single-branch", "--branch", branch, url, draft.name)
        draft.rename(root)
    origin = Checkout(root=root).run("config", "--get", "remote.origin.url", may_fail=True).strip()
    if origin != url:
        raise UserError(
            f"`{root}` is no clone of {url} (its origin is {origin or 'nothing'})", hint="name a new folder"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Remote:
    """A branch of another repository."""

    release_path: Path
    branch: str = "main"
    name: str = "origin"

    def sync(self) -> None:
        """Make this checkout and the branch the same.

        A decision that was committed here while somebody else pushed is dropped, and made anew on what is there now:
        it was about a file, or a moment, that is past.

        Raises:
            UserError: the remote does not answer, or this checkout has commits that no verb made.
        """
        checkout, name = locate(self.release_path)
        checkout.run("fetch", "--quiet", self.name, self.branch)
        here, there = checkout.head(), checkout.run("rev-parse", "FETCH_HEAD").strip()
        if here == there:
            return
        base = checkout.run("merge-base", here, there, may_fail=True).strip()
        if base == there:
            checkout.run("push", "--quiet", self.name, f"HEAD:refs/heads/{self.branch}")
            return
        # Verbs write past git's index, which must look at the files again before it will move them.
        checkout.run("update-index", "-q", "--refresh", may_fail=True)
        if base == here:
            checkout.run("merge", "--ff-only", "--quiet", there)
            return
        self._refuse_others_work(checkout, there, name)
        checkout.run("reset", "--keep", "--quiet", there)

    def _refuse_others_work(self, checkout: Checkout, there: str, name: str) -> None:
        """Only what verbs committed to this file may be dropped."""
        folder = str(Path(name).parent)
        ours = checkout.run("rev-list", f"{there}..HEAD").split()
        for commit in ours:
            changed = checkout.run("diff-tree", "--no-commit-id", "--name-only", "-r", commit).split()
            made_by_verb = checkout.run("log", "-1", "--format=%(trailers:key=Verb,valueonly)", commit).strip()
            if not made_by_verb or any(not each.startswith(folder) for each in changed):
                raise UserError(
                    f"this checkout and {self.name}/{self.branch} went apart, and {commit[:9]} is nobody's decision",
                    hint="give the conductor a clone of its own, or `git pull --rebase` and push by hand",
                )
