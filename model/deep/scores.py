"""A trained deep model and what it says of rows of a store, as of any time: logits and embeddings.

Legend: R rows, B rows of one batch, E embedding, K classes or timeframes.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.artifact import read_artifact
from model.deep.boosted import Boosted, load_boosted, save_boosted
from model.deep.network import DeepInputs, DeepModel, DeepSettings, InputBuilder
from model.deep.outline import OutlineBuilder
from model.deep.sampler import SamplerSettings, history_sizes, plan_steps
from model.errors import UserError
from model.graph import Graph, read_graph, write_graph
from model.progress import Progress, silent
from model.query.bound import TrainableTask
from model.served.features import TableFeatures, features_from_json, features_to_json
from model.store.store import GraphStore
from model.task import TaskHead, head_from_json

Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
_Item = TypeVar("_Item")
_Made = TypeVar("_Made")

WEIGHTS_FILE = "weights.safetensors"
FEATURES_FILE = "features.json"
SETTINGS_FILE = "settings.json"
GRAPH_FILE = "graph.yaml"
SCORE_ROWS = 512
"""Rows of one batch when scoring."""
_BATCHES_AHEAD = 2
_MANY_MAGNITUDES = 4.0
"""Where the 98th percentile of labels that are never below 0 is this many means, steps of one size fit none of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deep:
    """A deep model with what it needs to read a store."""

    model: DeepModel
    graph: Graph
    """Tables and links that it was trained on."""
    features: dict[str, TableFeatures]
    sampler: SamplerSettings
    entity_table: str
    head: TaskHead
    """What it predicts."""
    trees: Boosted | None = None
    """Their part of the answer; None: the network alone."""
    digest: str = ""
    """Of the artifact."""

    @property
    def task(self) -> TrainableTask:
        """Kind of the head."""
        return self.head.kind

    def inputs(self, store: GraphStore) -> InputBuilder:
        """What turns rows of `store` into batches for the model.

        Raises:
            UserError: the store has other tables, columns or links.
        """
        if store.graph != self.graph:
            raise UserError(
                f"the deep model was trained on other tables or columns than those of `{store.artifact.path}`",
                hint="build the store with the model's graph.yaml, or train again",
            )
        return InputBuilder(store, self.entity_table, self.features, self.sampler)

    def outlines(self, store: GraphStore) -> OutlineBuilder:
        """What describes rows of `store` to trees."""
        return OutlineBuilder(store, self.entity_table, self.features)


def make_deep(
    store: GraphStore,
    features: dict[str, TableFeatures],
    sampler: SamplerSettings,
    settings: DeepSettings,
    *,
    entity_table: str,
    head: TaskHead,
) -> Deep:
    """A deep model with fresh weights, drawn from torch's generator."""
    return Deep(
        model=_network(store.graph, entity_table, sampler, features, settings, head),
        graph=store.graph,
        features=features,
        sampler=sampler,
        entity_table=entity_table,
        head=head,
    )


def _network(
    graph: Graph,
    entity_table: str,
    sampler: SamplerSettings,
    features: dict[str, TableFeatures],
    settings: DeepSettings,
    head: TaskHead,
) -> DeepModel:
    steps = plan_steps(graph, entity_table, sampler)
    return DeepModel(graph, steps, features, settings, head.shape, summaries=sampler.summaries, bend=_bend(head))


def _bend(head: TaskHead) -> tuple[float, float] | None:
    """Amounts of many magnitudes: a mean x sinh of the last layer, in the network's standardised unit."""
    if not head.is_number or head.low is None or head.high is None:
        return None
    if head.low < 0 or head.high < _MANY_MAGNITUDES * head.mean:
        return None
    return head.mean / head.std, -head.mean / head.std


def save_deep(deep: Deep, weights: dict[str, Tensor], folder: Path) -> None:
    """Write the files of a `deep` artifact into a draft folder."""
    save_file(weights, folder / WEIGHTS_FILE)
    (folder / FEATURES_FILE).write_text(features_to_json(deep.features))
    write_graph(deep.graph, folder / GRAPH_FILE)
    settings = {
        "entity_table": deep.entity_table,
        "task": deep.task,
        "target": deep.head.to_json(),
        "model": asdict(deep.model.settings),
        "sampler": asdict(deep.sampler),
        "trees": None if deep.trees is None else {"share": deep.trees.share, "count": len(deep.trees.boosters)},
    }
    if deep.trees is not None:
        save_boosted(deep.trees, folder)
    (folder / SETTINGS_FILE).write_text(json.dumps(settings, indent=2) + "\n")


def load_deep(path: Path, *, kind: str = "deep") -> Deep:
    """The model at `path`, ready to score; `kind` names another artifact that holds one.

    Raises:
        UserError: no such artifact, or one that another version of this program wrote.
    """
    artifact = read_artifact(path, kind=kind)
    try:
        features = features_from_json((path / FEATURES_FILE).read_text())
        settings = json.loads((path / SETTINGS_FILE).read_text())
        graph = read_graph(path / GRAPH_FILE)
        sampler = SamplerSettings(**{**settings["sampler"], "fanouts": tuple(settings["sampler"]["fanouts"])})
        head = head_from_json(settings["task"], settings["target"])
        model = _network(graph, settings["entity_table"], sampler, features, DeepSettings(**settings["model"]), head)
        model.load_state_dict(load_file(path / WEIGHTS_FILE))
        trees = load_boosted(path, **settings["trees"]) if settings["trees"] is not None else None
    except (KeyError, TypeError, OSError, RuntimeError) as error:
        raise UserError(f"cannot load the deep model at `{path}`: {error}", hint="train again") from error
    model.eval()
    return Deep(
        model=model,
        graph=graph,
        features=features,
        sampler=sampler,
        entity_table=settings["entity_table"],
        head=head,
        trees=trees,
        digest=artifact.digest,
    )


def score_rows(
    store: GraphStore, deep: Deep, rows: Int64, cutoff_ns: Int64 | int, progress: Progress = silent
) -> tuple[Float32, Float32]:
    """(logit [R] or [R, K], embedding [R, E]) of entity rows, each as of its own cut-off; R may be 0.

    The logit of a number is the value itself, in the unit of the label; `deep.head.answer` makes answers of them.
    """
    logit, embedding = network_rows(store, deep, rows, cutoff_ns, progress)
    if deep.trees is not None:
        times = np.full(len(rows), 0, dtype=np.int64) + cutoff_ns
        logit = deep.trees.mix(logit, deep.outlines(store), rows, times)
    return logit, embedding


def network_rows(
    store: GraphStore, deep: Deep, rows: Int64, cutoff_ns: Int64 | int, progress: Progress = silent
) -> tuple[Float32, Float32]:
    """The same of the network alone: enough for embeddings, and what training chooses weights by."""
    times = np.broadcast_to(np.asarray(cutoff_ns, dtype=np.int64), rows.shape)
    logit = np.zeros((len(rows), *deep.head.shape), dtype=np.float32)
    embedding = np.zeros((len(rows), deep.model.settings.embedding_dim), dtype=np.float32)
    order = np.argsort(history_sizes(store, deep.entity_table, rows, times), kind="stable")
    batches = [order[start : start + SCORE_ROWS] for start in range(0, len(order), SCORE_ROWS)]

    builder = deep.inputs(store)

    def build(batch_B: Int64) -> tuple[Int64, DeepInputs]:
        return batch_B, builder.build(rows[batch_B], times[batch_B])

    deep.model.eval()
    with torch.inference_mode():
        for done, (batch_B, inputs) in enumerate(ahead(batches, build), start=1):
            logit_B, embedding_BE = deep.model(inputs)
            logit[batch_B] = deep.head.rescale(logit_B.numpy())
            embedding[batch_B] = embedding_BE.numpy()
            progress(done, len(batches))
    return logit, embedding


def ahead(items: Iterable[_Item], make: Callable[[_Item], _Made]) -> Iterator[_Made]:
    """`make` of each item in order, made in a thread a few items ahead of their use."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting: list[Future[_Made]] = []
        for item in items:
            waiting.append(pool.submit(make, item))
            if len(waiting) > _BATCHES_AHEAD:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()
