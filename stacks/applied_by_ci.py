"""Environments that the CI applies on a merge, by `gitops.kind`: `python -m stacks.applied_by_ci platform`, as JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from model.errors import UserError
from stacks.settings.read import read_settings
from stacks.settings.stack_config import STACKS_FOLDER, config_of_file

Layer = Literal["platform", "releases"]
ENVIRONMENTS = ("dev", "staging", "prod")
"""In the order in which a change reaches them."""
KINDS: Mapping[Layer, frozenset[str]] = {
    # The operator is part of the platform and so cannot be what applies it.
    "platform": frozenset({"workflow", "both", "operator"}),
    "releases": frozenset({"workflow", "both"}),
}


def applied_by_ci(layer: Layer, folder: Path = STACKS_FOLDER) -> list[str]:
    """Environments whose stacks of this layer are the CI's.

    Raises:
        UserError: a stack file is not there, or not valid.
    """
    kinds = {name: read_settings(config_of_file(folder / f"Pulumi.{name}.yaml")).gitops.kind for name in ENVIRONMENTS}
    return [name for name, kind in kinds.items() if kind in KINDS[layer]]


def main(arguments: Sequence[str]) -> str:
    """The JSON for the layer that the arguments name.

    Raises:
        UserError: no layer, or a stack file that is not valid.
    """
    for layer in KINDS:
        if list(arguments) == [layer]:
            return json.dumps(applied_by_ci(layer))
    raise UserError(f"which layer? (got {' '.join(arguments) or 'nothing'})", hint=f"one of {', '.join(KINDS)}")


if __name__ == "__main__":
    try:
        print(main(sys.argv[1:]))
    except UserError as error:
        sys.exit(f"error: {error}")
