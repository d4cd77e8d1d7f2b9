"""BentoML and PyTorch: `bentoml serve bench.peers.bentoml_torch:Propensity` with a worker a core."""

import os
from typing import Any

import bentoml

from bench.peers.model import TorchModel, answer, model_name


@bentoml.service(workers=int(os.environ.get("BENCH_WORKERS", "1")), threads=1, metrics={"enabled": False})
class Propensity:
    """BentoML's interface."""

    def __init__(self) -> None:
        self.model = TorchModel()

    @bentoml.api(route=f"/v2/models/{model_name()}/infer")
    async def infer(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """One request; the field `inputs` of its body."""
        return answer(*self.model([self.model.encoder.parse(inputs)]))
