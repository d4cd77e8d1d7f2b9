"""What a training has reached, in one file that a kill cannot break: the next run goes on from there, bit by bit.

    checkpoint = Checkpoint(path, {"settings": asdict(settings), "graph": digest}, checkpoints)
    saved = checkpoint.resume()                       # None: begin
    ...
    if checkpoint.due():
        checkpoint.write({"step": step, "training": state_of(model=model, optimizer=optimizer)})
    checkpoint.remove()                               # the artifact is written

The file is safetensors (no pickle): tensors by number, and the tree that they hang in as JSON.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from model.errors import UserError

_TREE, _INPUTS = "tree", "inputs"


def quiet(words: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoints:
    """How often to write, and whom to tell."""

    every_seconds: float = 30.0
    """Between two checkpoints; 0 writes one whenever it can."""
    say: Callable[[str], None] = quiet
    """Told in words when training goes on from a checkpoint, or leaves one aside."""

    def __post_init__(self) -> None:
        if not self.every_seconds >= 0:
            raise UserError(f"`every_seconds` must be at least 0 (got {self.every_seconds})")


class Stateful(Protocol):
    """A model, an optimizer or a schedule."""

    def state_dict(self) -> dict[str, Any]:
        """All that it must know to go on."""

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any:  # noqa: ANN401
        """Take it up again."""


class Checkpoint:
    """The checkpoint of one training, beside the artifact that it will write."""

    def __init__(self, artifact_path: Path, inputs: Mapping[str, Any], settings: Checkpoints) -> None:
        """Name the training.

        Args:
            artifact_path: where the finished artifact goes.
            inputs: everything that decides the result; a checkpoint of other inputs is never taken up.
            settings: when to write.
        """
        self.path = artifact_path.with_name(f"{artifact_path.name}.checkpoint")
        self._inputs = fingerprint({**inputs, "torch": torch.__version__})
        self._settings = settings
        self._written = time.monotonic()

    def resume(self) -> dict[str, Any] | None:
        """What the last `write` was given; None where there is nothing to go on from."""
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                facts = file.metadata() or {}
                if facts.get(_INPUTS) != self._inputs:
                    self._settings.say(f"`{self.path}` is of other inputs or settings; beginning anew")
                    return None
                tree = _unpack(json.loads(facts[_TREE]), file.get_tensor)
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            self._settings.say(f"`{self.path}` cannot be read ({error}); beginning anew")
            return None
        self._settings.say(f"going on from `{self.path}`")
        saved: dict[str, Any] = tree
        return saved

    def due(self) -> bool:
        """Whether the last one is old enough."""
        return time.monotonic() - self._written >= self._settings.every_seconds

    def write(self, state: dict[str, Any]) -> None:
        """Replace the file in one step by `state`: a tree of dicts, lists, tuples, tensors and what JSON knows."""
        tensors: dict[str, Tensor] = {}
        tree = json.dumps(_pack(state, tensors))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f".{self.path.name}.draft")
        try:
            save_file(tensors, draft, metadata={_TREE: tree, _INPUTS: self._inputs})
            _flush(draft)
            draft.replace(self.path)
            _flush(self.path.parent)
        except (OSError, SafetensorError) as error:
            raise UserError(f"cannot write the checkpoint `{self.path}`: {error}", hint="free some space") from error
        self._written = time.monotonic()

    def remove(self) -> None:
        """The artifact is written; nobody will go on from here."""
        self.path.unlink(missing_ok=True)


def state_of(**parts: Stateful) -> dict[str, Any]:
    """State of models, optimizers and schedules, and of torch's random numbers."""
    return {"torch_random": torch.get_rng_state(), **{name: part.state_dict() for name, part in parts.items()}}


def restore(saved: Mapping[str, Any], **parts: Stateful) -> None:
    """Put the state of the same parts back."""
    torch.set_rng_state(saved["torch_random"])
    for name, part in parts.items():
        part.load_state_dict(saved[name])


def fingerprint(value: object) -> str:
    """`sha256:<hex>` of settings, arrays and names; equal for what trains the same."""
    total = hashlib.sha256()
    _feed(value, total.update)
    return f"sha256:{total.hexdigest()}"


def _feed(value: object, update: Callable[[bytes], None]) -> None:
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        update(f"{value.dtype}{value.shape}".encode())
        update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, np.ndarray):
        _feed(value.tolist(), update)
    elif is_dataclass(value) and not isinstance(value, type):
        _feed({field.name: getattr(value, field.name) for field in fields(value)}, update)
    elif isinstance(value, Mapping):
        _feed([(str(name), value[name]) for name in sorted(value, key=str)], update)
    elif isinstance(value, list | tuple):
        update(f"[{len(value)}".encode())
        for one in value:
            _feed(one, update)
    else:
        update(f"{value!r},".encode())


def _pack(tree: Any, tensors: dict[str, Tensor]) -> Any:  # noqa: ANN401
    """The tree with every tensor replaced by its number; each container is a list that says what it is."""
    if isinstance(tree, Tensor):
        name = str(len(tensors))
        # A copy: safetensors refuses tensors that share their memory.
        tensors[name] = tree.detach().clone(memory_format=torch.contiguous_format)
        return ["tensor", name]
    if isinstance(tree, dict):
        return ["dict", [[key, _pack(value, tensors)] for key, value in tree.items()]]
    if isinstance(tree, list | tuple):
        kind = "list" if isinstance(tree, list) else "tuple"
        return [kind, [_pack(value, tensors) for value in tree]]
    return tree


def _unpack(packed: Any, get_tensor: Callable[[str], Tensor]) -> Any:  # noqa: ANN401
    """The inverse of `_pack`."""
    if not isinstance(packed, list):
        return packed
    kind, content = packed
    if kind == "tensor":
        return get_tensor(content)
    if kind == "dict":
        return {key: _unpack(value, get_tensor) for key, value in content}
    values = [_unpack(value, get_tensor) for value in content]
    return values if kind == "list" else tuple(values)


def _flush(path: Path) -> None:
    """Make sure that the file, or the names in the folder, are on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
