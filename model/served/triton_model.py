"""The served model: Triton's Python backend around `model/served/predictor.py`; needs numpy and nothing else.

Triton loads this file from `<repository>/<model>/1/`, where the package `model` lies beside it. With the environment
variable STILLHOUSE_EMBEDDINGS naming a folder, a new embedding table takes over whenever its link `current` moves.
"""

import os
import sys
import threading
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))

import numpy as np  # noqa: E402
import triton_python_backend_utils as pb_utils  # noqa: E402

from model.served.answers import told  # noqa: E402
from model.served.embedding_table import EmbeddingTable, RefusedTableError  # noqa: E402
from model.served.missing import MISSING_INT64  # noqa: E402
from model.served.predictor import BadRequestError, Predictor, Request  # noqa: E402
from model.served.score_histogram import ScoreHistogram, score_bounds  # noqa: E402

LIVE_EMBEDDINGS = "STILLHOUSE_EMBEDDINGS"
LOOK_SECONDS = 0.2
TELL_SECONDS = 1.0
PROBE_ID = "stillhouse-probe"
"""A request with this id only asks whether the model answers; its score counts for nothing."""


class TritonPythonModel:
    """Scores all requests of an execute call in one batch; a bad request fails alone."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load weights and bundled embeddings, score once, and start to look for newer embeddings."""
        self._predictor = Predictor.open(FOLDER)
        self._embeddings = self._predictor.open_embeddings(FOLDER / "embeddings")
        bounds = score_bounds(self._predictor.task)
        self._scores = ScoreHistogram(bounds)
        self._metrics = _Metrics(args["model_name"], args["model_version"], args["model_instance_name"], bounds)
        self._metrics.cutoff.set(self._embeddings.cutoff_ns / 1e9)
        self._predictor.predict(self._predictor.warm_up_requests(), self._embeddings)
        self._stop = threading.Event()
        self._teller = threading.Thread(target=self._tell, daemon=True)
        self._teller.start()
        live = os.environ.get(LIVE_EMBEDDINGS)
        self._watcher = threading.Thread(target=self._watch, args=(Path(live or "."),), daemon=True)
        if live:
            self._look(Path(live), "")
            self._watcher.start()

    def execute(self, requests: list[Any]) -> list[Any]:
        """One response for each request, in order."""
        responses: list[Any] = [None] * len(requests)
        parsed: list[Request] = []
        is_real: list[bool] = []
        places: list[int] = []
        for place, request in enumerate(requests):
            try:
                tensors = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
                parsed.append(self._predictor.parse(tensors))
                places.append(place)
                is_real.append(request.request_id() != PROBE_ID)
            except BadRequestError as error:
                responses[place] = _failure(str(error), pb_utils.TritonError.INVALID_ARG)
        if parsed:
            for place, response in zip(places, self._respond(parsed, is_real), strict=True):
                responses[place] = response
        return responses

    def finalize(self) -> None:
        """Stop looking for embeddings, and tell the last scores."""
        self._stop.set()
        self._teller.join()

    def _respond(self, parsed: list[Request], is_real: list[bool]) -> list[Any]:
        score, time_B = self._predictor.predict(parsed, self._embeddings)
        score_BK = score.reshape(len(score), -1)
        self._metrics.missing.increment(float(np.count_nonzero(time_B == MISSING_INT64)))
        real_B = slice(None) if all(is_real) else np.repeat(is_real, [len(request) for request in parsed])
        self._scores.add(told(self._predictor.task, score[real_B]))
        responses = []
        start = 0
        for request in parsed:
            items = slice(start, start + len(request))
            start = items.stop
            if np.isfinite(score_BK[items]).all():
                outputs = [
                    pb_utils.Tensor("score", score_BK[items]),
                    pb_utils.Tensor("embedding_time", time_B[items, None]),
                ]
                responses.append(pb_utils.InferenceResponse(outputs))
            else:
                responses.append(_failure("the model's score is not finite", pb_utils.TritonError.INTERNAL))
        return responses

    def _tell(self) -> None:
        """Scores are counted here and told once a second: every call to Triton's metrics costs the caller time."""
        while not self._stop.wait(TELL_SECONDS):
            self._metrics.tell_scores(self._scores.take())
        self._metrics.tell_scores(self._scores.take())

    def _watch(self, folder: Path) -> None:
        """Look where `current` points until the model is unloaded."""
        seen = os.path.realpath(folder / "current")
        while not self._stop.wait(LOOK_SECONDS):
            seen = self._look(folder, seen)

    def _look(self, folder: Path, seen: str) -> str:
        """Take the table over when `current` points elsewhere than `seen`; keep the old one when it is refused."""
        target = os.path.realpath(folder / "current")
        if target == seen or not Path(target).exists():
            return seen
        try:
            table: EmbeddingTable = self._predictor.open_embeddings(Path(target))
        except RefusedTableError as error:
            self._metrics.refused.increment(1)
            pb_utils.Logger.log_error(f"embeddings refused, the old ones stay: {error}")
        else:
            # One assignment: a running execute keeps the table that it began with.
            self._embeddings = table
            self._metrics.cutoff.set(table.cutoff_ns / 1e9)
            pb_utils.Logger.log_info(f"embeddings of {target}: {len(table.keys)} at {table.cutoff_ns} ns")
        return target


class _Metrics:
    """The model's own metrics on Triton's metrics port, one series an instance."""

    def __init__(self, model: str, version: str, instance: str, bounds: tuple[float, ...]) -> None:
        labels = {"model": model, "version": version, "instance": instance}
        gauge, counter = pb_utils.MetricFamily.GAUGE, pb_utils.MetricFamily.COUNTER
        families = (
            ("stillhouse_embedding_cutoff_seconds", "Cut-off of the embeddings in use, Unix time", gauge),
            ("stillhouse_embedding_refused_total", "Embedding tables refused", counter),
            ("stillhouse_embedding_missing_total", "Predictions for entities without an embedding", counter),
        )
        # A family must outlive its metrics.
        self._families = [pb_utils.MetricFamily(name=n, description=d, kind=k) for n, d, k in families]
        self.cutoff, self.refused, self.missing = (family.Metric(labels=labels) for family in self._families)
        # A histogram by hand: the stub has none, and so its sums are made here and told now and then.
        scores = pb_utils.MetricFamily(name="stillhouse_score_bucket", description="Scores by bound", kind=counter)
        self._families.append(scores)
        names = [*(f"{bound:g}" for bound in bounds), "+Inf"]
        self._scores = [scores.Metric(labels={**labels, "le": name}) for name in names]

    def tell_scores(self, cumulative: Any) -> None:  # noqa: ANN401 - an array of the numpy that Triton finds
        """Add to each bound what it gained."""
        for metric, gained in zip(self._scores, cumulative, strict=True):
            if gained:
                metric.increment(float(gained))


def _failure(message: str, code: Any) -> Any:  # noqa: ANN401 - the stub has no types
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(message, code))
