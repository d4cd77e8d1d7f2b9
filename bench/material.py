"""What every contestant is measured with: a distilled model, its embeddings, 128 request bodies, the right answers.

<folder>/repository/  the exported model       <folder>/empty/       the same signature, nothing behind it
<folder>/bodies/      000.json ... 127.json    <folder>/scores.npy   by the numpy engine
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from bench.empty_model import write_empty_repository
from bench.tables import DAY_NS, KEY_STRIDE, NUM_CUSTOMERS, NUM_DAYS, START_NS, shop_store
from bench.wire import tensors_of
from model.artifact import write_artifact
from model.contract import PayloadContract, read_contract
from model.distilled.network import DistilledModel, NetworkSettings, input_shape
from model.distilled.rows import RequestSettings, fit_request_features
from model.export import export_repository
from model.payload import RequestValues, v2_body
from model.served.features import features_to_json
from model.served.inputs import Float
from model.served.predictor import Predictor
from model.store.history import requests_from_store
from model.store.row_features import FeatureSettings
from model.store.store import GraphStore
from model.task import TaskHead

MODEL_NAME = "propensity"
NUM_BODIES = 128
NUM_INTERACTIONS = (4, 8, 16, 32)
"""Rows of each history, in turn."""
DIM = 64
DEEP_DIGEST = "sha256:" + hashlib.sha256(b"bench").hexdigest()
CUTOFF_NS = START_NS + (NUM_DAYS - 2) * DAY_NS
ANCHOR_NS = START_NS + NUM_DAYS * DAY_NS
_SEED = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """All of it, on disk and at hand."""

    folder: Path
    contract: PayloadContract
    values: tuple[RequestValues, ...]
    bodies: tuple[bytes, ...]
    scores: Float
    """[bodies] the right answers."""

    @property
    def repository(self) -> Path:
        """The model as Triton gets it."""
        return self.folder / "repository"

    @property
    def version_folder(self) -> Path:
        """The model's own files."""
        return self.repository / MODEL_NAME / "1"

    @property
    def empty(self) -> Path:
        """The model that answers at once."""
        return self.folder / "empty"

    @property
    def embeddings(self) -> Path:
        """The artifact that the model was exported with."""
        return self.folder / "embeddings"

    def with_interactions(self, number: int) -> tuple[RequestValues, ...]:
        """The requests with so many rows in each history."""
        chosen = [values for place, values in enumerate(self.values) if _number_at(place) == number]
        return tuple(chosen)


def make_material(folder: Path, num_embeddings: int) -> Material:
    """Build it all; the same every time."""
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    store = shop_store(folder / "graph")
    _write_model(store, folder / "distilled")
    write_embeddings(folder / "embeddings", num_embeddings, CUTOFF_NS)
    repository = folder / "repository"
    export_repository(folder / "distilled", folder / "embeddings", repository, graph=store.graph, model_name=MODEL_NAME)
    write_empty_repository(repository, folder / "empty")
    contract = read_contract(repository)
    values = _values(store, contract)
    bodies = tuple(json.dumps(v2_body(contract, one)).encode() for one in values)
    (folder / "bodies").mkdir(exist_ok=True)
    for place, body in enumerate(bodies):
        (folder / "bodies" / f"{place:03d}.json").write_bytes(body)
    scores = right_scores(repository / MODEL_NAME / "1", bodies)
    np.save(folder / "scores.npy", scores)
    return Material(folder=folder, contract=contract, values=values, bodies=bodies, scores=scores)


def write_embeddings(path: Path, count: int, cutoff_ns: int, seed: int = _SEED) -> None:
    """An artifact with random embeddings of so many customers, the store's among them."""
    assert count >= KEY_STRIDE * NUM_CUSTOMERS, "some of the store's customers have none"
    vectors = np.random.default_rng(seed).standard_normal((count, DIM), dtype=np.float32)
    with write_artifact(path, kind="embeddings", parents={"deep": DEEP_DIGEST}) as draft:
        np.save(draft.path / "keys.npy", np.arange(count, dtype=np.int64))
        np.save(draft.path / "vectors.npy", vectors)
        facts = {"cutoff_ns": cutoff_ns, "base_digest": DEEP_DIGEST, "entity_table": "customers"}
        (draft.path / "embeddings.json").write_text(json.dumps(facts | {"dim": DIM, "count": count}), "utf-8")


def right_scores(version_folder: Path, bodies: Sequence[bytes]) -> Float:
    """[bodies] what the numpy engine says, which is held to PyTorch by the tests."""
    predictor = Predictor.open(version_folder)
    embeddings = predictor.open_embeddings(version_folder / "embeddings")
    requests = [predictor.parse(tensors_of(json.loads(body)["inputs"])) for body in bodies]
    return predictor.predict(requests, embeddings)[0]


def _write_model(store: GraphStore, path: Path) -> None:
    """A model with random weights, large enough that its scores differ: speed does not depend on what it learned."""
    requests, network = RequestSettings(), NetworkSettings()
    features = fit_request_features(store, "customers", CUTOFF_NS, FeatureSettings(), requests)
    torch.manual_seed(_SEED)
    model = DistilledModel(input_shape(features, DIM), network).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    torch.nn.init.normal_(model.embedding.weight, std=1.0)
    for bias in (model.norm.bias, model.head.bias):
        torch.nn.init.zeros_(bias)
    head = TaskHead(kind="binary")
    serving = {"task": head.kind, "embedding_dim": DIM, "use_embedding": True, "target": head.to_json()}
    serving |= {"network": asdict(network), "requests": asdict(requests)}
    parents = {"deep": DEEP_DIGEST, "graph": store.artifact.digest}
    with write_artifact(path, kind="distilled", parents=parents) as draft:
        save_file(model.state_dict(), draft.path / "weights.safetensors")
        (draft.path / "features.json").write_text(features_to_json(features), "utf-8")
        (draft.path / "settings.json").write_text(json.dumps(serving), "utf-8")


def _values(store: GraphStore, contract: PayloadContract) -> tuple[RequestValues, ...]:
    """Requests of different customers at different moments."""
    keys = store.keys("customers")[:NUM_BODIES]
    anchors_ns = ANCHOR_NS + np.arange(NUM_BODIES, dtype=np.int64) * 10**9
    found = requests_from_store(store, contract, keys, anchors_ns)
    return tuple(_shortened(values, _number_at(place)) for place, values in enumerate(found))


def _shortened(values: RequestValues, number: int) -> RequestValues:
    """The same with the newest `number` rows of each history."""
    histories = {
        path: {name: column[-number:] for name, column in columns.items()}
        for path, columns in values.interactions.items()
    }
    return replace(values, interactions=histories)


def _number_at(place: int) -> int:
    return NUM_INTERACTIONS[place % len(NUM_INTERACTIONS)]
