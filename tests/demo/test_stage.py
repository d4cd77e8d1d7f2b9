"""Steps are timed, and what they say reaches whoever shows it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from demo.stage import Stage
from model.progress import Progress


@contextmanager
def no_bar(title: str) -> Iterator[Progress]:
    yield lambda done, total: None


def test_parts_of_one_step_add_up_and_steps_keep_their_order() -> None:
    said: list[str] = []
    stage = Stage(say=said.append, bar=no_bar)
    for name in ("train", "embed", "train"):
        with stage.step(name, f"the {name} step"):
            pass
    assert list(stage.seconds) == ["train", "embed"]
    assert all(seconds > 0 for seconds in stage.seconds.values())
    assert len(said) == 3


def test_a_step_that_fails_has_no_seconds() -> None:
    stage = Stage(say=lambda text: None, bar=no_bar)

    def fail() -> None:
        with stage.step("train", "Train"):
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        fail()
    assert stage.seconds == {}
