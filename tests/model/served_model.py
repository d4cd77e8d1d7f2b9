"""A distilled model with random weights over the small shop, its embeddings and its exported repository, for tests."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors.torch import save_file

from model.artifact import Artifact, read_artifact, write_artifact
from model.contract import PayloadContract, read_contract
from model.distilled.network import DistilledModel, NetworkSettings, input_shape
from model.distilled.rows import RequestSettings, fit_request_features, request_inputs
from model.export import ExportSettings, export_repository
from model.served.embedding_table import EmbeddingTable
from model.served.features import TableFeatures, features_to_json
from model.served.inputs import Float, Int
from model.store.row_features import FeatureSettings
from model.store.store import GraphStore
from model.task import TaskHead
from tests.model.small_shop import at_day, small_store

DEEP_DIGEST = "sha256:" + "d" * 64
DIM = 8
NAME = "churn"


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedModel:
    store: GraphStore
    features: dict[str, TableFeatures]
    model: DistilledModel
    requests: RequestSettings
    distilled: Path
    embeddings: Path
    repository: Path
    contract: PayloadContract
    head: TaskHead

    def expected(self, keys: Int, anchors_ns: Int) -> Float:
        """[B] or [B, K] PyTorch's answers for known customers, straight from the tables."""
        table = EmbeddingTable.open(self.embeddings, base_digest=DEEP_DIGEST, dim=DIM)
        place_B = table.find(keys)
        never = anchors_ns + 1
        inputs = request_inputs(
            self.store,
            self.features,
            self.store.rows_of("customers", keys),
            anchors_ns,
            table.take(place_B),
            np.where(place_B < 0, never, table.cutoff_ns),
            self.requests,
        )
        age_days_B = np.where((place_B < 0) | (anchors_ns < table.cutoff_ns), np.nan, inputs.embedding_age_days_B)
        object.__setattr__(inputs, "embedding_age_days_B", age_days_B.astype(np.float32))
        with torch.inference_mode():
            output: Float = self.model(inputs).numpy()
        return self.head.answer(self.head.rescale(output))


def make_served_model(
    folder: Path,
    engine: Literal["auto", "compiled", "numpy"] = "compiled",
    head: TaskHead = TaskHead(kind="binary"),
) -> ServedModel:
    """Build all of it below `folder`."""
    # Threads wait for each other longer than this small network takes.
    torch.set_num_threads(1)
    torch.manual_seed(1)
    store = small_store(folder / "graph")
    features = fit_request_features(
        store, "customers", at_day(60), FeatureSettings(include_links=True), RequestSettings()
    )
    network, requests = NetworkSettings(), RequestSettings()
    model = DistilledModel(input_shape(features, DIM), network, head.shape).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    torch.nn.init.normal_(model.head.weight, std=2.0)
    distilled = folder / "distilled"
    parents = {"deep": DEEP_DIGEST, "graph": store.artifact.digest}
    with write_artifact(distilled, kind="distilled", parents=parents) as draft:
        save_file(model.state_dict(), draft.path / "weights.safetensors")
        (draft.path / "features.json").write_text(features_to_json(features), "utf-8")
        serving = {"task": head.kind, "embedding_dim": DIM, "use_embedding": True, "target": head.to_json()}
        serving |= {"network": asdict(network), "requests": asdict(requests)}
        (draft.path / "settings.json").write_text(json.dumps(serving), "utf-8")
    embeddings = folder / "embeddings"
    write_embeddings(embeddings, np.sort(store.keys("customers").astype(np.int64))[::2], at_day(50))
    repository = folder / "repository"
    settings = ExportSettings(engine=engine)
    export_repository(distilled, embeddings, repository, graph=store.graph, model_name=NAME, settings=settings)
    return ServedModel(
        store=store,
        features=features,
        model=model,
        requests=requests,
        distilled=distilled,
        embeddings=embeddings,
        repository=repository,
        contract=read_contract(repository),
        head=head,
    )


def write_embeddings(path: Path, keys: Int, cutoff_ns: int, base_digest: str = DEEP_DIGEST, seed: int = 5) -> Artifact:
    """Random embeddings for `keys`."""
    vectors = np.random.default_rng(seed).normal(size=(len(keys), DIM)).astype(np.float32)
    with write_artifact(path, kind="embeddings", parents={"deep": base_digest}) as draft:
        np.save(draft.path / "keys.npy", keys)
        np.save(draft.path / "vectors.npy", vectors)
        facts = {"cutoff_ns": cutoff_ns, "base_digest": base_digest, "entity_table": "customers"}
        (draft.path / "embeddings.json").write_text(json.dumps(facts | {"dim": DIM, "count": len(keys)}), "utf-8")
    return read_artifact(path, kind="embeddings")
