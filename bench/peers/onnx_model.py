"""The distilled model in ONNX, histories padded to the longest of the batch; the file is written beside the model.

python -m bench.peers.onnx_model OUT.onnx      (with BENCH_MODEL naming the version folder)
"""

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import orjson
import torch
from torch import Tensor, nn

from bench.peers.model import Encoder, answer, load_network, model_folder
from model.distilled.network import DistilledModel
from model.served.features import time_features
from model.served.inputs import Float, Inputs, Int, Rows, within
from model.served.predictor import Request

ONNX_VARIABLE = "BENCH_ONNX"
_OPSET = 18


class OnnxModel:
    """Scores whole requests."""

    def __init__(self) -> None:
        self._encoder = Encoder(model_folder())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        path = os.environ[ONNX_VARIABLE]
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._names = [one.name for one in self._session.get_inputs()]

    def one(self, body: bytes) -> dict[str, Any]:
        """A whole request about one entity."""
        return answer(*self([self._encoder.parse(orjson.loads(body)["inputs"])]))

    def __call__(self, requests: Sequence[Request]) -> tuple[Float, Int]:
        """[B] scores and cut-offs."""
        inputs, time_B = self._encoder.inputs(requests)
        score_B: Float = self._session.run(None, dict(zip(self._names, padded(inputs), strict=True)))[0]
        return score_B, time_B


def padded(inputs: Inputs) -> list[Any]:
    """What the graph takes, in order: facts, codes, embedding, its age; numbers, codes, presence of each history."""
    age_days_B = inputs.embedding_age_days_B
    arrays: list[Any] = [inputs.facts_BF, inputs.codes_BC, inputs.embedding_BE]
    arrays += [time_features(np.nan_to_num(age_days_B)), np.isnan(age_days_B)]
    for rows in inputs.histories:
        arrays += _padded_rows(rows, len(inputs))
    return arrays


def _padded_rows(rows: Rows, num_requests: int) -> list[np.ndarray[Any, Any]]:
    place_R = within(rows.owner_R)
    most = int(place_R.max()) + 1 if len(place_R) else 1
    dense_RF = np.concatenate([rows.dense_RF, time_features(rows.age_days_R)], axis=1)
    dense_BTF = np.zeros((num_requests, most, dense_RF.shape[1]), np.float32)
    codes_BTC = np.zeros((num_requests, most, rows.codes_RC.shape[1]), np.int64)
    present_BT = np.zeros((num_requests, most), bool)
    dense_BTF[rows.owner_R, place_R] = dense_RF
    codes_BTC[rows.owner_R, place_R] = rows.codes_RC
    present_BT[rows.owner_R, place_R] = True
    return [dense_BTF, codes_BTC, present_BT]


class PaddedModel(nn.Module):
    """The same network over padded histories, down to the probability."""

    def __init__(self, network: DistilledModel) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        facts_BF: Tensor,
        codes_BC: Tensor,
        embedding_BE: Tensor,
        age_BF: Tensor,
        missing_B: Tensor,
        *histories: Tensor,
    ) -> Tensor:
        """[B]."""
        network = self.network
        embedding_BW = network.embedding(embedding_BE) + network.embedding_age(age_BF)
        embedding_BW = torch.where(missing_B[:, None], network.no_embedding, embedding_BW)
        parts = [torch.stack([network.entity(facts_BF, codes_BC), embedding_BW], dim=1)]
        visible = [torch.ones_like(parts[0][:, :, 0], dtype=torch.bool)]
        for place, encoder in enumerate(network.histories):
            dense_BTF, codes_BTC, present_BT = histories[3 * place : 3 * place + 3]
            tokens_NW = encoder(dense_BTF.flatten(0, 1), codes_BTC.flatten(0, 1))
            parts.append(tokens_NW.view(dense_BTF.shape[0], dense_BTF.shape[1], -1))
            visible.append(present_BT)
        tokens_BTW, visible_BT = torch.cat(parts, dim=1), torch.cat(visible, dim=1)
        for layer in network.layers[:-1]:
            tokens_BTW = layer(tokens_BTW, visible_BT, tokens_BTW.shape[1])
        entity_BTW = network.layers[-1](tokens_BTW, visible_BT, 1)
        score_B: Tensor = network.head(network.norm(entity_BTW[:, 0])).squeeze(-1).sigmoid()
        return score_B


def export(example: Inputs, path: Path) -> None:
    """Write the graph; batch and lengths of histories are free."""
    network = load_network(model_folder())
    tensors = tuple(torch.from_numpy(array) for array in padded(example))
    names = ["facts", "codes", "embedding", "age", "missing"]
    axes: dict[str, dict[int, str]] = {name: {0: "batch"} for name in names}
    for number in range(len(network.histories)):
        for part in ("dense", "codes", "present"):
            names.append(f"{part}_{number}")
            axes[names[-1]] = {0: "batch", 1: f"rows_{number}"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            PaddedModel(network).eval(), tensors, path, input_names=names, output_names=["score"],
            dynamic_axes=axes, opset_version=_OPSET, dynamo=False,
        )  # fmt: skip


if __name__ == "__main__":
    bodies = sorted((model_folder().parents[2] / "bodies").glob("*.json"))[:8]
    encoder = Encoder(model_folder())
    batch = [encoder.parse(orjson.loads(body.read_bytes())["inputs"]) for body in bodies]
    export(encoder.inputs(batch)[0], Path(sys.argv[1]))
