"""MLServer and PyTorch, with the model in the server's own process: its pool of workers pickles every request.

python -m bench.peers.mlserver_torch PORT
"""

import asyncio
import sys

import numpy as np
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput

from bench.peers.model import TorchModel, model_name


class Propensity(MLModel):
    """MLServer's interface."""

    async def load(self) -> bool:
        """Load the model."""
        self.model = TorchModel()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """One request, already read into V2 tensors."""
        inputs = [
            {"name": one.name, "datatype": one.datatype, "shape": one.shape, "data": one.data.root}
            for one in payload.inputs
        ]
        score_B, time_B = self.model([self.model.encoder.parse(inputs)])
        outputs = [
            ResponseOutput(name=name, datatype=datatype, shape=[len(values), 1], data=np.asarray(values).tolist())
            for name, datatype, values in (("score", "FP32", score_B), ("embedding_time", "INT64", time_B))
        ]
        return InferenceResponse(model_name=self.name, id=payload.id, outputs=outputs)


async def main(port: int) -> None:
    """Serve until told to end."""
    settings = Settings(
        host="127.0.0.1", http_port=port, grpc_port=0, parallel_workers=0, metrics_endpoint=None,
        load_models_at_startup=True,
    )  # fmt: skip
    await MLServer(settings).start([ModelSettings(name=model_name(), implementation=Propensity)])


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
