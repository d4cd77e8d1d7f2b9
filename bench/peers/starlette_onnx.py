"""ONNX Runtime behind an asynchronous server (Starlette on uvicorn), a process a core, one thread a session."""

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.peers.model import model_name
from bench.peers.onnx_model import OnnxModel


def app() -> Starlette:
    """The application of one worker."""
    model = OnnxModel()

    async def ready(request: Request) -> Response:
        return Response()

    async def infer(request: Request) -> Response:
        return Response(orjson.dumps(model.one(await request.body())), media_type="application/json")

    path = f"/v2/models/{model_name()}"
    return Starlette(routes=[Route(f"{path}/ready", ready), Route(f"{path}/infer", infer, methods=["POST"])])
