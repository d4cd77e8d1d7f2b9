"""The usual alternative: LightGBM over features that were computed before, one row a customer.

<folder>/booster.txt, keys.npy, rows.npy
"""

from collections.abc import Sequence
from pathlib import Path

import lightgbm
import numpy as np

from bench.material import ANCHOR_NS, Material
from bench.tables import DAY_NS
from bench.wire import tensors_of
from model.contract import PayloadContract
from model.payload import RequestValues, v2_body
from model.served.embedding_table import EmbeddingTable
from model.served.inputs import Float, Int
from model.served.predictor import Predictor
from model.store.history import requests_from_store
from model.store.store import open_store

NUM_TREES, NUM_LEAVES = 200, 31
_NUM_MOMENTS = 8


def make_booster(material: Material, folder: Path) -> Float:
    """Train it on the distilled model's own answers and write all that its server needs; [bodies] its answers."""
    folder.mkdir(parents=True, exist_ok=True)
    contract, store = material.contract, open_store(material.folder / "graph")
    keys = store.keys("customers").astype(np.int64)
    predictor = Predictor.open(material.version_folder)
    embeddings = predictor.open_embeddings(material.embeddings)
    moments = [ANCHOR_NS + week * 7 * DAY_NS for week in range(_NUM_MOMENTS)]
    seen = [
        _rows(contract, predictor, embeddings, requests_from_store(store, contract, keys, _all(keys, at)))
        for at in moments
    ]
    rows, scores = np.concatenate([row for row, _ in seen]), np.concatenate([score for _, score in seen])
    settings = {"objective": "binary", "num_leaves": NUM_LEAVES, "num_threads": 1, "verbosity": -1, "seed": 1}
    labels = (scores > np.median(scores)).astype(np.int32)
    booster = lightgbm.train(settings, lightgbm.Dataset(rows, labels), num_boost_round=NUM_TREES)
    booster.save_model(folder / "booster.txt")
    np.save(folder / "keys.npy", keys)
    np.save(folder / "rows.npy", seen[0][0])
    place = {key: position for position, key in enumerate(keys.tolist())}
    asked = [place[int(str(values.facts[contract.embedding_key]))] for values in material.values]
    return np.asarray(booster.predict(seen[0][0][asked], num_threads=1), np.float32)


def _all(keys: Int, at_ns: int) -> Int:
    return np.full(len(keys), at_ns, np.int64)


def _rows(
    contract: PayloadContract, predictor: Predictor, embeddings: EmbeddingTable, values: Sequence[RequestValues]
) -> tuple[Float, Float]:
    """[customers, F] features and [customers] scores at one moment."""
    requests = [predictor.parse(tensors_of(v2_body(contract, one)["inputs"])) for one in values]
    inputs, _ = predictor.inputs(requests, embeddings)
    return np.concatenate([inputs.facts_BF, inputs.embedding_BE], axis=1), predictor.predict(requests, embeddings)[0]
