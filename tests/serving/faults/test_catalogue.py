"""The catalogue names all twenty faults, and tests that exist."""

import ast
from pathlib import Path

from tests.serving.faults.catalogue import CATALOGUE

ROOT = Path(__file__).parents[3]


def functions(path: Path) -> set[str]:
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}


def test_every_fault_has_tests_that_exist() -> None:
    assert [fault.number for fault in CATALOGUE] == list(range(1, 21))
    for test in (test for fault in CATALOGUE for test in fault.tests):
        file, name = test.split("::")
        assert name in functions(ROOT / file), test


def test_every_test_of_a_fault_is_in_the_catalogue() -> None:
    named = {test for fault in CATALOGUE for test in fault.tests}
    files = [path for path in Path(__file__).parent.glob("test_*.py") if path.name not in _OTHERS]
    here = {
        f"{path.relative_to(ROOT)}::{name}" for path in files for name in functions(path) if name.startswith("test_")
    }
    assert here <= named


def test_the_docs_tell_all_of_it() -> None:
    text = (ROOT / "docs/releases.md").read_text()
    for fault in CATALOGUE:
        assert f"| {fault.number} | {fault.words} | {fault.expected} |" in text


_OTHERS = ("test_catalogue.py", "test_whole_rollout.py")
