"""Which program a stack runs: `<env>` is the platform, `<env>-releases` the models on it."""

import re
from collections.abc import Callable
from pathlib import Path

from model.errors import UserError
from stacks.settings.explain import closest
from stacks.settings.stack_config import STACKS_FOLDER

RELEASES_SUFFIX = "-releases"


def program_of(stack: str) -> Callable[[], None]:
    """The program; only what it needs is imported, because the platform's packages cost seconds."""
    if stack.endswith(RELEASES_SUFFIX):
        from stacks.releases_program import releases_program

        return releases_program
    from stacks.platform_program import platform_program

    return platform_program


def known_stacks(folder: Path = STACKS_FOLDER) -> list[str]:
    """Names of the stacks that have a file, sorted."""
    names = (re.fullmatch(r"Pulumi\.(.+)\.yaml", path.name) for path in folder.glob("Pulumi.*.yaml"))
    return sorted(name[1] for name in names if name)


def stack_file(stack: str, folder: Path = STACKS_FOLDER) -> Path:
    """A stack's file.

    Raises:
        UserError: no stack of that name, with the nearest one.
    """
    known = known_stacks(folder)
    if stack not in known:
        raise UserError(f"no such stack (got {stack}); there are: {', '.join(known)}", hint=closest(stack, known))
    return folder / f"Pulumi.{stack}.yaml"
