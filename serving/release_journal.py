"""What a commit is about to put into the working tree, noted before HEAD moves: a killed verb is finished by the next.

Between the commit and the write, HEAD has the new file and the working tree the old one, which nobody edited.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import uuid4

import psutil

from serving.git import Checkout


@contextmanager
def noted(checkout: Checkout, files: Mapping[str, tuple[str, str]]) -> Iterator[None]:
    """Keep a note until the block is through; a process that dies in it leaves the note.

    Args:
        checkout: where.
        files: name -> ids of the contents before (empty: no file) and after.
    """
    folder = checkout.own_folder()
    folder.mkdir(parents=True, exist_ok=True)
    pid = os.getpid()
    note = folder / f"{pid}-{uuid4().hex}.json"
    draft = note.with_suffix(".draft")
    draft.write_text(json.dumps({"pid": pid, "started": psutil.Process(pid).create_time(), "files": files}))
    draft.replace(note)
    yield
    note.unlink(missing_ok=True)


def finish(checkout: Checkout) -> list[str]:
    """Write what others committed and then did not live to write; the names of those files."""
    written: list[str] = []
    for note in sorted(checkout.own_folder().glob("*.json")):
        told = json.loads(note.read_text())
        if _is_at_work(told["pid"], told["started"]):
            continue
        for name, (before, after) in told["files"].items():
            if checkout.blob(name) == after and checkout.id_of_file(name) == before != after:
                checkout.write(name, checkout.text(after))
                written.append(name)
            if checkout.blob(name) == after == checkout.id_of_file(name):
                checkout.put_in_index({name: after})
        note.unlink(missing_ok=True)
    return written


def _is_at_work(pid: int, started: float) -> bool:
    """Whether another process still has the note in hand; what this one left behind, it left behind for good."""
    if pid == os.getpid():
        return False
    try:
        process = psutil.Process(pid)
        return process.create_time() == started and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
