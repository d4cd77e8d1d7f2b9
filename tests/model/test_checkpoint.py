import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.checkpoint import Checkpoint, Checkpoints, fingerprint, restore, state_of
from model.errors import UserError

INPUTS = {"settings": {"width": 8}, "rows": np.arange(5)}
ALWAYS_DUE = Checkpoints(every_seconds=0)


def _checkpoint(folder: Path, said: list[str], **inputs: Any) -> Checkpoint:
    return Checkpoint(folder / "deep", {**INPUTS, **inputs}, Checkpoints(every_seconds=0, say=said.append))


def test_what_was_written_comes_back_as_it_was(tmp_path: Path) -> None:
    said: list[str] = []
    state = {
        "step": 3,
        "rate": 0.1 + 0.2,
        "loss": float("inf"),
        "best": None,
        "by_number": {0: torch.arange(4.0)[::2], 1: {"empty": torch.zeros(0, 3)}},
        "pair": (1, [True, "x"]),
        "numpy_random": np.random.default_rng(1).bit_generator.state,
    }
    checkpoint = _checkpoint(tmp_path, said)
    assert checkpoint.resume() is None
    assert said == []
    checkpoint.write(state)
    found = _checkpoint(tmp_path, said).resume()
    assert found is not None
    assert said == [f"going on from `{tmp_path / 'deep.checkpoint'}`"]
    torch.testing.assert_close(found["by_number"].pop(0), torch.tensor([0.0, 2.0]), rtol=0, atol=0)
    assert found["by_number"].pop(1)["empty"].shape == (0, 3)
    assert {**found, "by_number": {}} == {**state, "by_number": {}}
    assert [file.name for file in tmp_path.iterdir()] == ["deep.checkpoint"]
    checkpoint.remove()
    checkpoint.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_model_an_optimizer_and_the_random_numbers_go_on(tmp_path: Path) -> None:
    def parts() -> dict[str, Any]:
        model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Dropout(0.5), torch.nn.Linear(3, 1))
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
        return {"model": model, "optimizer": optimizer, "schedule": schedule}

    def steps(model: torch.nn.Module, optimizer: torch.optim.Optimizer, schedule: Any, count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            torch.autograd.backward(model(torch.randn(8, 3)).square().mean())
            optimizer.step()
            schedule.step()

    torch.manual_seed(0)
    whole = parts()
    steps(**whole, count=3)
    _checkpoint(tmp_path, []).write({"training": state_of(**whole)})
    steps(**whole, count=3)
    torch.manual_seed(99)
    again = parts()
    saved = _checkpoint(tmp_path, []).resume()
    assert saved is not None
    restore(saved["training"], **again)
    steps(**again, count=3)
    for one, other in zip(whole["model"].parameters(), again["model"].parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("other", [{"settings": {"width": 9}}, {"rows": np.arange(6)}, {"more": 1}])
def test_a_checkpoint_of_other_inputs_is_left_aside_with_a_word(tmp_path: Path, other: dict[str, Any]) -> None:
    said: list[str] = []
    _checkpoint(tmp_path, said).write({"step": 1})
    assert _checkpoint(tmp_path, said, **other).resume() is None
    assert said == [f"`{tmp_path / 'deep.checkpoint'}` is of other inputs or settings; beginning anew"]


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_file_that_is_none_is_left_aside_with_a_word(tmp_path: Path, content: bytes) -> None:
    said: list[str] = []
    (tmp_path / "deep.checkpoint").write_bytes(content)
    assert _checkpoint(tmp_path, said).resume() is None
    assert said[0].endswith("beginning anew")
    assert len(said) == 1


def test_it_is_due_after_a_while(tmp_path: Path) -> None:
    assert Checkpoint(tmp_path / "d", {}, ALWAYS_DUE).due()
    assert not Checkpoint(tmp_path / "d", {}, Checkpoints(every_seconds=1e9)).due()
    with pytest.raises(UserError, match="at least 0"):
        Checkpoints(every_seconds=-1)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / ".deep.checkpoint.draft").mkdir()
    with pytest.raises(UserError, match=r"cannot write the checkpoint .*deep.checkpoint"):
        _checkpoint(tmp_path, []).write({"step": 1})


def test_fingerprints_tell_values_apart() -> None:
    values: list[Any] = [1, 1.0, "1", [1], (1, 2), {"a": 1}, np.array([1]), np.array([1.0]), np.array([[1]]), None]
    prints = [fingerprint(value) for value in values]
    assert len({*prints}) == len(values)
    assert fingerprint({"b": 1, "a": np.array(["x", "y"], object)}) == fingerprint({"a": ["x", "y"], "b": 1})
    assert json.dumps(prints)
