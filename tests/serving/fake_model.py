"""The fake's `model.py`: score = bias + price; fails, sleeps and crashes as `behaviour.json` says."""

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

CRASHING_PRICE = -666.0
BOUNDS = (1.0, 2.0, 4.0, 8.0, 16.0, float("inf"))


class TritonPythonModel:
    """Triton's interface."""

    def initialize(self, args: dict[str, str]) -> None:
        folder = Path(args["model_repository"]) / args["model_version"]
        self.behaviour = json.loads((folder / "behaviour.json").read_text())
        time.sleep(self.behaviour["load_s"])
        if self.behaviour["load_error"]:
            raise RuntimeError("told not to load")
        self.base_digest = json.loads((folder / "contract.json").read_text())["base_digest"]
        self.random = np.random.default_rng(1)
        family = pb_utils.MetricFamily(
            name="stillhouse_embedding_cutoff_seconds",
            description="cut-off of the embeddings",
            kind=pb_utils.MetricFamily.GAUGE,
        )
        self.family, self.gauge = family, family.Metric(labels={"model": args["model_name"]})
        scores = pb_utils.MetricFamily(
            name="stillhouse_score_bucket", description="scores", kind=pb_utils.MetricFamily.COUNTER
        )
        self.scores = [(bound, scores.Metric(labels={"le": f"{bound:g}".replace("inf", "+Inf")})) for bound in BOUNDS]
        self.score_family = scores
        self._take(folder / "embeddings")
        live = os.environ.get("STILLHOUSE_EMBEDDINGS")
        if live:
            threading.Thread(target=self._watch, args=(Path(live) / "current",), daemon=True).start()

    def _take(self, folder: Path) -> None:
        facts = json.loads((folder / "embeddings.json").read_text())
        if facts["base_digest"] == self.base_digest:
            self.cutoff_ns = int(facts["cutoff_ns"])
            self.gauge.set(self.cutoff_ns / 1e9)

    def _watch(self, link: Path) -> None:
        seen = None
        while True:
            target = link.resolve() if link.exists() else None
            if target is not None and target != seen:
                self._take(target)
                seen = target
            time.sleep(0.05)

    def execute(self, requests: list[Any]) -> list[Any]:
        time.sleep(self.behaviour["sleep_ms"] / 1000)
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        price = pb_utils.get_input_tensor_by_name(request, "customers.price").as_numpy()
        if price.ravel()[0] == CRASHING_PRICE:
            os._exit(1)
        if self.random.random() < self.behaviour["fail_share"]:
            return pb_utils.InferenceResponse(error=pb_utils.TritonError("told to fail"))
        if self.random.random() < self.behaviour["slow_share"]:
            time.sleep(self.behaviour["slow_ms"] / 1000)
        score = (self.behaviour["bias"] + price).astype(np.float32)
        for bound, metric in self.scores:
            metric.increment(float((score <= bound).sum()))
        cutoff = np.full(score.shape, self.cutoff_ns, dtype=np.int64)
        return pb_utils.InferenceResponse(
            output_tensors=[pb_utils.Tensor("score", score), pb_utils.Tensor("embedding_time", cutoff)]
        )
