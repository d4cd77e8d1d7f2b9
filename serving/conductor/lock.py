"""One conductor at a time for each release file; the kernel lets go when its process ends, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model.errors import UserError


@contextmanager
def conducting(folder: Path) -> Iterator[None]:
    """Hold the folder for this process.

    Raises:
        UserError: another conductor holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            stream.seek(0)
            raise UserError(
                f"another conductor is at work on this release file (process {stream.read().strip() or 'unknown'})",
                hint="watch that one, or stop it first; `release status` shows where things stand",
            ) from error
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield
