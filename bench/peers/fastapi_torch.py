"""FastAPI and PyTorch: `uvicorn bench.peers.fastapi_torch:app --factory` with uvloop, httptools and a process a core.

The request is read and the response written without models, as FastAPI's page on performance advises.
"""

import orjson
from fastapi import FastAPI, Request, Response

from bench.peers.model import TorchModel, model_name


def app() -> FastAPI:
    """The application of one worker."""
    model = TorchModel()
    application = FastAPI()

    @application.get(f"/v2/models/{model_name()}/ready")
    async def ready() -> Response:
        return Response()

    @application.post(f"/v2/models/{model_name()}/infer")
    async def infer(request: Request) -> Response:
        # Inline: a thread pool's hand-over costs more than the model, and the interpreter runs one thread at a time.
        return Response(orjson.dumps(model.one(await request.body())), media_type="application/json")

    return application
