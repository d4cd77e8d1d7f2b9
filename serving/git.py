"""Commits of a few files by plumbing, past the user's index, with compare-and-swap on HEAD: no one is overwritten."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from model.errors import UserError


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkout:
    """A git checkout; names are relative to its root."""

    root: Path

    def head(self) -> str:
        """Id of HEAD; empty before the first commit."""
        return self.run("rev-parse", "--verify", "--quiet", "HEAD", may_fail=True).strip()

    def blob(self, name: str, *, at: str = "HEAD") -> str:
        """Id of a file's contents at a commit; empty where it is not there."""
        return self.run("rev-parse", "--verify", "--quiet", f"{at}:{name}", may_fail=True).strip()

    def text(self, blob: str) -> str:
        """Contents by id."""
        return self.run("cat-file", "blob", blob)

    def store(self, text: str) -> str:
        """Keep contents; their id."""
        return self.run("hash-object", "-w", "--stdin", stdin=text).strip()

    def id_of_file(self, name: str) -> str:
        """Id that the file's contents in the working tree have; empty where there is none."""
        if not (self.root / name).is_file():
            return ""
        return self.run("hash-object", "--no-filters", "--", name).strip()

    def refuse_dirty(self, name: str) -> None:
        """Refuse a file whose last word is not in HEAD.

        Raises:
            UserError: edits that are not committed, or a conflict.
        """
        state = self.run("status", "--porcelain", "--untracked-files=all", "--", name).rstrip()
        if not state:
            return
        if state[:2] in ("UU", "AA", "DD", "AU", "UA", "DU", "UD"):
            raise UserError(
                f"`{name}` has a conflict that is not resolved (git says `{state}`)",
                hint="resolve and commit it, or `git merge --abort`",
            )
        raise UserError(
            f"`{name}` has edits that are not committed (git says `{state}`)",
            hint=f"commit them, or drop them with `git checkout HEAD -- {name}`",
        )

    def commit(self, head: str, files: Mapping[str, str], message: str) -> str:
        """Make the commit object of `head`'s tree and these files (name -> blob); HEAD does not move yet."""
        with tempfile.TemporaryDirectory() as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            if head:
                self.run("read-tree", head, env=index)
            self.put_in_index(files, env=index)
            tree = self.run("write-tree", env=index).strip()
        signed = self.run("config", "--type=bool", "commit.gpgSign", may_fail=True).strip() == "true"
        parent = ("-p", head) if head else ()
        options = (*parent, *(("-S",) if signed else ()))
        return self.run("commit-tree", tree, *options, stdin=message, env=self._author()).strip()

    def put_in_index(self, files: Mapping[str, str], *, env: Mapping[str, str] | None = None) -> None:
        """Stage contents by id, whatever the working tree holds."""
        for name, blob in files.items():
            self.run("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}", env=env)

    def swap_head(self, head: str, commit: str, note: str) -> bool:
        """Move HEAD from `head` to `commit`; false when someone else moved it first."""
        before = head or "0" * len(commit)
        try:
            self.run("update-ref", "-m", note, "HEAD", commit, before, env=self._author())
        except UserError:
            if self.head() == head:
                raise
            return False
        return True

    def write(self, name: str, text: str) -> None:
        """Put contents into the working tree in one step: a reader sees the old file or the new one."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(text)
        draft.replace(path)

    def own_folder(self) -> Path:
        """Of git itself, for what belongs to this working tree alone."""
        return (self.root / self.run("rev-parse", "--git-path", "stillhouse").strip()).absolute()

    def run(
        self, *arguments: str, stdin: str | None = None, env: Mapping[str, str] | None = None, may_fail: bool = False
    ) -> str:
        """What git prints.

        Raises:
            UserError: it failed.
        """
        done = subprocess.run(
            ["git", "-C", str(self.root), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **(env or {})},
        )
        if done.returncode != 0 and not may_fail:
            raise UserError(f"git {arguments[0]} failed in `{self.root}`: {done.stderr.strip()}")
        return done.stdout

    def _author(self) -> dict[str, str]:
        """Who commits where git was not told: never a guess from the machine's name."""
        if self.run("config", "user.email", may_fail=True).strip():
            return {}
        people = ("AUTHOR", "COMMITTER")
        names = {f"GIT_{role}_NAME": os.environ.get(f"GIT_{role}_NAME", "stillhouse") for role in people}
        mails = {f"GIT_{role}_EMAIL": os.environ.get(f"GIT_{role}_EMAIL", "stillhouse@localhost") for role in people}
        return names | mails


def locate(path: Path) -> tuple[Checkout, str]:
    """The checkout that a file lies in, and its name there.

    Raises:
        UserError: it lies in none.
    """
    folder = next(parent for parent in path.absolute().parents if parent.is_dir())
    try:
        root = Path(Checkout(root=folder).run("rev-parse", "--show-toplevel").strip())
    except UserError as error:
        raise UserError(f"`{path}` is in no git checkout", hint="run `git init`, or name another file") from error
    name = (folder.resolve() / path.absolute().relative_to(folder)).relative_to(root.resolve()).as_posix()
    return Checkout(root=root), name
