"""Ray Serve and PyTorch: batches of what waits, as its page on performance advises; one replica and its proxy.

python -m bench.peers.ray_torch PORT FOLDER
"""

import signal
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

import orjson
import ray
from ray import serve
from starlette.requests import Request
from starlette.responses import Response

from bench.peers.model import TorchModel, answer


@serve.deployment(num_replicas=1, max_ongoing_requests=64, ray_actor_options={"num_cpus": 0.5})
class Propensity:
    """Ray Serve's interface."""

    def __init__(self) -> None:
        self.model = TorchModel()

    @serve.batch(max_batch_size=16, batch_wait_timeout_s=0.001)
    async def score(self, bodies: Sequence[bytes]) -> list[dict[str, Any]]:
        """Of all that waits."""
        requests = [self.model.encoder.parse(orjson.loads(body)["inputs"]) for body in bodies]
        score_B, time_B = self.model(requests)
        return [answer(score_B[at : at + 1], time_B[at : at + 1]) for at in range(len(requests))]

    async def __call__(self, request: Request) -> Response:
        """One request, or a look at whether it is there."""
        if request.method == "GET":
            return Response()
        return Response(orjson.dumps(await self.score(await request.body())), media_type="application/json")


if __name__ == "__main__":
    # Its sockets need a short path.
    with tempfile.TemporaryDirectory(prefix="ray") as folder:
        ray.init(num_cpus=2, include_dashboard=False, _temp_dir=folder, log_to_driver=False, logging_level="warning")
        serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
        serve.run(Propensity.bind(), route_prefix="/")
        signal.sigwait([signal.SIGTERM, signal.SIGINT])
        serve.shutdown()
        ray.shutdown()
