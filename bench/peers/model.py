"""The distilled model as its peers serve it: requests in the V2 protocol -> PyTorch or ONNX Runtime -> answers.

They are given our own vectorised encoding of requests (`model/served`), which a user would have to write.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch
from safetensors.torch import load_file

from bench.wire import tensors_of
from model.distilled.network import DistilledModel, NetworkSettings, input_shape
from model.served.features import features_from_json
from model.served.inputs import Float, Inputs, Int
from model.served.predictor import Predictor, Request

FOLDER_VARIABLE = "BENCH_MODEL"
"""The version folder of the exported repository."""
NAME_VARIABLE = "BENCH_MODEL_NAME"


def model_folder() -> Path:
    """Where the files are."""
    return Path(os.environ[FOLDER_VARIABLE])


def model_name() -> str:
    """As in the URL."""
    return os.environ[NAME_VARIABLE]


class Encoder:
    """Bodies -> what the network sees."""

    def __init__(self, folder: Path) -> None:
        self._predictor = Predictor.open(folder)
        self._embeddings = self._predictor.open_embeddings(folder / "embeddings")

    def parse(self, inputs: Sequence[Mapping[str, Any]]) -> Request:
        """The `inputs` of one request."""
        return self._predictor.parse(tensors_of(inputs))

    def inputs(self, requests: Sequence[Request]) -> tuple[Inputs, Int]:
        """Of a batch, and the cut-offs of the embeddings."""
        return self._predictor.inputs(requests, self._embeddings)


def load_network(folder: Path) -> DistilledModel:
    """The network with its weights."""
    torch.set_num_threads(1)
    settings = json.loads((folder / "settings.json").read_text("utf-8"))
    features = features_from_json((folder / "features.json").read_text("utf-8"))
    shape = input_shape(features, settings["embedding_dim"])
    network = DistilledModel(shape, NetworkSettings(**settings["network"])).eval()
    network.load_state_dict(load_file(folder / "weights.safetensors"))
    return network


class TorchModel:
    """In eager mode on one thread: compiling gains nothing at this size, and more threads lose."""

    def __init__(self) -> None:
        folder = model_folder()
        self.encoder = Encoder(folder)
        self._network = load_network(folder)

    def __call__(self, requests: Sequence[Request]) -> tuple[Float, Int]:
        """[B] scores and cut-offs."""
        inputs, time_B = self.encoder.inputs(requests)
        with torch.inference_mode():
            score_B: Float = torch.sigmoid(self._network(inputs)).numpy()
        return score_B, time_B

    def one(self, body: bytes) -> dict[str, Any]:
        """A whole request about one entity."""
        return answer(*self([self.encoder.parse(orjson.loads(body)["inputs"])]))


def answer(score_B: Float, time_B: Int) -> dict[str, Any]:
    """In the V2 protocol."""
    items = len(score_B)
    return {
        "model_name": model_name(),
        "model_version": "1",
        "outputs": [
            {"name": "score", "datatype": "FP32", "shape": [items, 1], "data": np.asarray(score_B, float).tolist()},
            {"name": "embedding_time", "datatype": "INT64", "shape": [items, 1], "data": time_B.tolist()},
        ],
    }
