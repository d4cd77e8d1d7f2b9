"""KServe's Python server and PyTorch, with a worker a core.

python -m bench.peers.kserve_torch PORT WORKERS
"""

import sys

import kserve
import numpy as np
from kserve import InferOutput, InferRequest, InferResponse

from bench.peers.model import TorchModel, model_name


class Propensity(kserve.Model):
    """KServe's interface."""

    def __init__(self) -> None:
        super().__init__(model_name())
        self.load()

    def load(self) -> bool:
        """Load the model."""
        self.model = TorchModel()
        self.ready = True
        return True

    async def predict(
        self, payload: InferRequest, headers: dict[str, str] | None = None, **more: object
    ) -> InferResponse:
        """One request, already read into V2 tensors."""
        inputs = [
            {"name": one.name, "datatype": one.datatype, "shape": one.shape, "data": one.data} for one in payload.inputs
        ]
        score_B, time_B = self.model([self.model.encoder.parse(inputs)])
        outputs = []
        for name, datatype, values in (("score", "FP32", score_B), ("embedding_time", "INT64", time_B)):
            output = InferOutput(name=name, shape=[len(values), 1], datatype=datatype)
            output.set_data_from_numpy(np.asarray(values)[:, None], binary_data=False)
            outputs.append(output)
        return InferResponse(response_id=payload.id or "", model_name=self.name, infer_outputs=outputs)


if __name__ == "__main__":
    port, workers = (int(text) for text in sys.argv[1:])
    server = kserve.ModelServer(http_port=port, enable_grpc=False, workers=workers, access_log_format=None)
    server.start([Propensity()])
