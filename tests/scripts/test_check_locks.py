"""The lock rule: fresh as it stands, and each kind of staleness is seen."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts import check_locks


def test_the_locks_are_fresh() -> None:
    assert check_locks.main() == 0


@pytest.mark.parametrize(
    ("lock", "words"),
    [
        ("six==1.0 \\\n    --hash=sha256:00\n", "`six>=1.16` is asked for (got 1.0)"),
        ("attrs==26.1 \\\n    --hash=sha256:00\n", "`six>=1.16` is asked for (got no pin)"),
        ("six==1.17\n", "no hash for `six==1.17`"),
        ("--index-url https://example\nsix==1.17 \\\n    --hash=sha256:00\n", "holds an address"),
    ],
)
def test_a_stale_lock_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock: str, words: str) -> None:
    monkeypatch.setattr(check_locks, "ROOT", tmp_path)
    (tmp_path / "some.lock").write_text(lock)
    assert any(words in line for line in check_locks.complaints("some.lock", [Requirement("six>=1.16")], follow=False))
