"""A program for `python -c` in which only some distributions, and what they need, can be imported."""

from collections.abc import Iterable
from importlib.metadata import packages_distributions, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_PROGRAM = """
import importlib.abc, sys
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"not in the image: {{name}}", name=name)
sys.meta_path.insert(0, Missing())
{program}
"""


def with_only(distributions: Iterable[str], program: str) -> str:
    """The program, to which everything else that is installed here is not there."""
    there = _closure(distributions)
    missing = {
        top
        for top, owners in packages_distributions().items()
        if not there & {canonicalize_name(owner) for owner in owners}
    }
    return _PROGRAM.format(missing=missing, program=program)


def _closure(distributions: Iterable[str]) -> set[str]:
    found: set[str] = set()
    queue = [Requirement(each) for each in distributions]
    while queue:
        asked = queue.pop()
        name = canonicalize_name(asked.name)
        if name not in found or asked.extras:
            found.add(name)
            needed = [Requirement(each) for each in requires(name) or ()]
            queue += [each for each in needed if _is_needed(each, asked.extras)]
    return found


def _is_needed(requirement: Requirement, extras: Iterable[str]) -> bool:
    return requirement.marker is None or any(requirement.marker.evaluate({"extra": each}) for each in ("", *extras))
