"""The compiled engine in this process, under a stand-in for Triton (`host.c`) that checks nothing it hands over.

Every piece of memory that the engine takes, and every buffer of a request, ends at a page that nobody may touch; with
`sanitized` what C leaves undefined ends the process too.
"""

import ctypes
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from model.compile import OPTIMISED, SOURCES, TARGETS, build
from model.served.inputs import Float, Int

HERE = Path(__file__).parent
INVALID_ARGUMENT = 3
DATATYPES = {"INT64": 9, "FP32": 11, "BYTES": 13}
_SANITIZED = ("-O1", "-g", "-fsanitize=undefined", "-fsanitize-trap=all")
_MESSAGE = 2048


@dataclass(frozen=True, kw_only=True, slots=True)
class HostTensor:
    """One input as a host may tell it, true or not."""

    name: str
    datatype: int
    shape: tuple[int, ...]
    data: bytes
    byte_size: int
    """What the host says; the length of `data` where it tells the truth."""
    num_buffers: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What became of one request."""

    code: int
    """Of Triton's error; 0 where there are scores."""
    message: str
    score_B: Float = field(repr=False)  # noqa: N815
    time_B: Int = field(repr=False)  # noqa: N815


class RefusedModelError(Exception):
    """The engine does not open the folder."""


class _Input(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("num_dims", ctypes.c_uint32),
        ("datatype", ctypes.c_int32),
        ("bytes", ctypes.c_char_p),
        ("size", ctypes.c_uint64),
        ("byte_size", ctypes.c_uint64),
        ("num_buffers", ctypes.c_uint32),
    )


class _Request(ctypes.Structure):
    _fields_ = (
        ("id", ctypes.c_char_p),
        ("inputs", ctypes.POINTER(_Input)),
        ("num_inputs", ctypes.c_uint32),
        ("code", ctypes.c_int32),
        ("message", ctypes.c_char * _MESSAGE),
        ("items", ctypes.c_int64),
        ("score_B", ctypes.c_void_p),
        ("time_B", ctypes.c_void_p),
        ("most_items", ctypes.c_int64),
        ("num_responses", ctypes.c_int32),
        ("num_releases", ctypes.c_int32),
    )


def hosted_library(*, sanitized: bool) -> Path:
    """The engine's sources with the host and the guarded memory, built as they are served or `sanitized`."""
    sources = [source for source in sorted(SOURCES.glob("*.c")) if source.name != "arena.c"]
    included = [*sorted(SOURCES.glob("*.h")), HERE / "guarded.h"]
    flags = _SANITIZED if sanitized else OPTIMISED
    flags = (*flags, *TARGETS[platform.machine()], "-iquote", ".")
    return build([*sources, HERE / "host.c", HERE / "guarded.c"], included, flags, "hosted")


class EngineHost:
    """One loaded model; to be used in a `with` block."""

    def __init__(self, library: Path, repository: Path, version: int = 1) -> None:
        """Load `<repository>/<version>` as Triton does.

        Raises:
            RefusedModelError: with the engine's words.
        """
        self._library = ctypes.CDLL(str(library))
        self._library.host_open.restype = ctypes.c_void_p
        self._library.host_live.restype = ctypes.c_int64
        message = ctypes.create_string_buffer(_MESSAGE)
        self._host = self._library.host_open(
            str(repository).encode(), ctypes.c_uint64(version), message, ctypes.c_size_t(_MESSAGE)
        )
        if not self._host:
            raise RefusedModelError(message.value.decode(errors="replace"))

    def __enter__(self) -> "EngineHost":
        return self

    def __exit__(self, *_: object) -> None:
        self._library.host_close(ctypes.c_void_p(self._host))

    def execute(self, requests: Sequence[Sequence[HostTensor]], most_items: int = 64) -> list[Answer]:
        """Hand all of them over in one call; `most_items` is the room for the scores of each."""
        scores = [np.full(most_items, np.nan, np.float32) for _ in requests]
        times = [np.zeros(most_items, np.int64) for _ in requests]
        inputs = [(_Input * len(tensors))(*map(_input, tensors)) for tensors in requests]
        handed = (_Request * len(requests))()
        for place, one in enumerate(handed):
            one.id, one.most_items = b"", most_items
            one.inputs, one.num_inputs = inputs[place], len(inputs[place])
            one.score_B, one.time_B = scores[place].ctypes.data, times[place].ctypes.data
        self._library.host_execute(ctypes.c_void_p(self._host), handed, ctypes.c_uint32(len(handed)))
        assert all(one.num_responses == one.num_releases == 1 for one in handed)
        return [
            Answer(code=one.code, message=one.message.decode(), score_B=score[: one.items], time_B=time[: one.items])
            for one, score, time in zip(handed, scores, times, strict=True)
        ]


def num_live(library: Path) -> int:
    """What engines have taken from the host, or as memory, and not given back."""
    live = ctypes.CDLL(str(library)).host_live
    live.restype = ctypes.c_int64
    return int(live())


def _input(tensor: HostTensor) -> _Input:
    shape = (ctypes.c_int64 * len(tensor.shape))(*tensor.shape)
    return _Input(
        tensor.name.encode(),
        shape,
        len(tensor.shape),
        tensor.datatype,
        tensor.data,
        len(tensor.data),
        tensor.byte_size,
        tensor.num_buffers,
    )
