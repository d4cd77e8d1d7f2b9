"""LightGBM behind FastAPI: features are precomputed, one row a customer, and a request only looks its row up."""

import os

import lightgbm
import numpy as np
import orjson
from fastapi import FastAPI, Request, Response

from bench.peers.model import answer, model_name

FOLDER_VARIABLE = "BENCH_LIGHTGBM"
"""`booster.txt`, `keys.npy`, `rows.npy`."""


def app() -> FastAPI:
    """The application of one worker."""
    folder = os.environ[FOLDER_VARIABLE]
    booster = lightgbm.Booster(model_file=f"{folder}/booster.txt")
    rows = np.load(f"{folder}/rows.npy", mmap_mode="r")
    place = {key: position for position, key in enumerate(np.load(f"{folder}/keys.npy").tolist())}
    time = np.zeros(1, np.int64)
    application = FastAPI()

    @application.get(f"/v2/models/{model_name()}/ready")
    async def ready() -> Response:
        return Response()

    @application.post(f"/v2/models/{model_name()}/infer")
    async def infer(request: Request) -> Response:
        inputs = orjson.loads(await request.body())["inputs"]
        key = next(tensor["data"][0] for tensor in inputs if tensor["name"] == "customers.customer_id")
        row = rows[place[key]]
        score = np.asarray(booster.predict(row[None], num_threads=1), np.float32)
        return Response(orjson.dumps(answer(score, time)), media_type="application/json")

    return application
