"""Tensors of a request <-> bytes: JSON, JSON with binary tensors, gRPC. Nothing here sends anything."""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model.contract import EMBEDDING_TIME, MISSING_INT64, SCORE, Datatype
from model.payload import Tensor, json_body
from serving.client_grpc import message_classes

JSON_LENGTH_HEADER = "inference-header-content-length"
"""Where the JSON ends and the binary tensors begin; a plain JSON body has no such header."""
VERSION_HEADER = "x-stillhouse-version"
FALLBACK_HEADER = "x-stillhouse-fallback"
InferRequest, InferResponse = message_classes()
_NUMBERS = {Datatype.INT64: "<i8", Datatype.FP32: "<f4"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """The endpoint's answer."""

    score: float
    """A probability for binary tasks, the value for regression; the first of `scores` for other tasks."""
    embedding_time_ns: int | None
    """Cut-off of the embedding that was used; None where the entity has none."""
    version: str
    """Which version of the model answered, or should have."""
    is_fallback: bool = False
    """No version could answer: the score is the endpoint's stated default, nobody's prediction."""
    scores: tuple[float, ...] = ()
    """Of tasks with several numbers: one for each of the contract's classes or timeframes, in their order."""


def raw(tensor: Tensor) -> bytes:
    """The binary form: numbers in little-endian order, strings with their length in four bytes before each."""
    if tensor.spec.datatype is Datatype.BYTES:
        return b"".join(struct.pack("<I", len(each)) + each for each in (str(value).encode() for value in tensor.data))
    return np.asarray(tensor.data, dtype=_NUMBERS[tensor.spec.datatype]).tobytes()


def json_content(tensors: Sequence[Tensor]) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a request in JSON."""
    return json.dumps(json_body(tensors), allow_nan=False).encode(), {"content-type": "application/json"}


def binary_content(tensors: Sequence[Tensor]) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a request with binary tensors; the answer is JSON all the same, since it is small."""
    pieces = [raw(tensor) for tensor in tensors]
    inputs = [
        {
            "name": tensor.spec.name,
            "datatype": tensor.spec.datatype.value,
            "shape": list(tensor.shape),
            "parameters": {"binary_data_size": len(piece)},
        }
        for tensor, piece in zip(tensors, pieces, strict=True)
    ]
    head = json.dumps({"inputs": inputs}).encode()
    headers = {"content-type": "application/octet-stream", JSON_LENGTH_HEADER: str(len(head))}
    return head + b"".join(pieces), headers


def grpc_message(model_name: str, tensors: Sequence[Tensor]) -> Any:  # noqa: ANN401 - made at run time, without types
    """A request over gRPC."""
    message = InferRequest(model_name=model_name, raw_input_contents=[raw(tensor) for tensor in tensors])
    for tensor in tensors:
        message.inputs.add(name=tensor.spec.name, datatype=tensor.spec.datatype.value, shape=tensor.shape)
    return message


def read_json(answer: Mapping[str, Any], headers: Mapping[str, str]) -> list[Prediction]:
    """Predictions of an answer in JSON, one an item."""
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    return _predictions(outputs[SCORE], outputs[EMBEDDING_TIME], headers)


def read_grpc(answer: Any, headers: Mapping[str, str]) -> list[Prediction]:  # noqa: ANN401 - as above
    """Predictions of an answer over gRPC."""
    pieces = {output.name: piece for output, piece in zip(answer.outputs, answer.raw_output_contents, strict=True)}
    scores, times = np.frombuffer(pieces[SCORE], "<f4"), np.frombuffer(pieces[EMBEDDING_TIME], "<i8")
    return _predictions(scores.tolist(), times.tolist(), headers)


def _predictions(scores: Sequence[float], times_ns: Sequence[int], headers: Mapping[str, str]) -> list[Prediction]:
    if not times_ns:
        return []
    num_scores = len(scores) // len(times_ns)
    return [
        Prediction(
            score=float(scores[place * num_scores]),
            scores=tuple(map(float, scores[place * num_scores :][:num_scores])) if num_scores > 1 else (),
            embedding_time_ns=None if int(time_ns) == MISSING_INT64 else int(time_ns),
            version=headers.get(VERSION_HEADER, ""),
            is_fallback=FALLBACK_HEADER in headers,
        )
        for place, time_ns in enumerate(times_ns)
    ]
