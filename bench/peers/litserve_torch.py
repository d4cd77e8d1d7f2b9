"""LitServe and PyTorch: a worker a core, each request by itself, ZeroMQ between server and workers (`fast_queue`).

Its batches gain nothing at this size and their wait doubles the latency (docs/log.md).
python -m bench.peers.litserve_torch PORT WORKERS
"""

import sys
from typing import Any

import litserve
import numpy as np

from bench.peers.model import TorchModel, answer, model_name
from model.served.predictor import Request


class Api(litserve.LitAPI):
    """LitServe's interface."""

    def setup(self, device: str) -> None:
        """Load the model."""
        self.model = TorchModel()

    def decode_request(self, request: dict[str, Any]) -> Request:
        """One request's tensors."""
        return self.model.encoder.parse(request["inputs"])

    def predict(self, x: Request) -> tuple[float, int]:
        """Score and cut-off."""
        score_B, time_B = self.model([x])
        return float(score_B[0]), int(time_B[0])

    def encode_response(self, output: tuple[float, int]) -> dict[str, Any]:
        """In the V2 protocol."""
        return answer(np.array([output[0]], np.float32), np.array([output[1]]))


if __name__ == "__main__":
    path = f"/v2/models/{model_name()}"
    api = Api(api_path=f"{path}/infer")
    server = litserve.LitServer(
        api,
        accelerator="cpu",
        workers_per_device=int(sys.argv[2]),
        fast_queue=True,
        healthcheck_path=f"{path}/ready",
    )
    server.run(host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False)
