"""LitServe and PyTorch: batches of what waits, ZeroMQ between server and worker (`fast_queue`), as its pages advise.

python -m bench.peers.litserve_torch PORT
"""

import sys
from collections.abc import Sequence
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

    def batch(self, inputs: Sequence[Request]) -> list[Request]:
        """As they are."""
        return list(inputs)

    def predict(self, x: list[Request]) -> list[tuple[float, int]]:
        """Scores and cut-offs of a batch."""
        score_B, time_B = self.model(x)
        return list(zip(score_B.tolist(), time_B.tolist(), strict=True))

    def unbatch(self, output: list[tuple[float, int]]) -> list[tuple[float, int]]:
        """One a request."""
        return output

    def encode_response(self, output: tuple[float, int]) -> dict[str, Any]:
        """In the V2 protocol."""
        return answer(np.array([output[0]], np.float32), np.array([output[1]]))


if __name__ == "__main__":
    path = f"/v2/models/{model_name()}"
    api = Api(max_batch_size=16, batch_timeout=0.001, api_path=f"{path}/infer")
    server = litserve.LitServer(
        api,
        accelerator="cpu",
        workers_per_device=1,
        fast_queue=True,
        healthcheck_path=f"{path}/ready",
    )
    server.run(host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False)
