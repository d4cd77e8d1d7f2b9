"""The import rule sees what it forbids, and the project keeps it."""

from pathlib import Path

import pytest

from scripts.check_imports import violations


def test_the_project_keeps_the_direction() -> None:
    assert violations(Path(__file__).parents[2]) == []


@pytest.mark.parametrize(
    ("file", "source", "words"),
    [
        ("model/x.py", "from serving.load import run", "`model` must not import `serving.load`"),
        ("model/x.py", "def f():\n    import cli.main", "x.py:2: `model` must not import `cli.main`"),
        ("infra/x.py", "import model", "`infra` must not import `model`"),
        ("serving/x.py", "from model.train import fit", "`serving` may use"),
    ],
)
def test_a_wrong_import_is_named_with_its_line(tmp_path: Path, file: str, source: str, words: str) -> None:
    (tmp_path / file).parent.mkdir()
    (tmp_path / file).write_text(source)
    assert any(words in line for line in violations(tmp_path))
