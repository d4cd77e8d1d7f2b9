"""A model that nobody trained over a contract that nobody wrote: all of it from a seed, for property tests.

Columns of every kind and type, none to three histories, keys as numbers or texts, random weights and embeddings; and
requests for it with nulls, strange categories, empty and overlong histories.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file

from model.contract import Datatype, Interactions, PayloadContract, Role, TensorSpec
from model.distilled.network import DistilledModel, NetworkSettings, input_shape
from model.graph import SemanticType
from model.served.embedding_table import EmbeddingTable
from model.served.features import (
    NS_PER_DAY,
    CategoricalFeature,
    NumericalFeature,
    TableFeatures,
    TimestampFeature,
    features_to_json,
)
from model.served.inputs import Int
from model.served.missing import MISSING_FP32, MISSING_INT64
from model.served.predictor import ENTITY, Predictor, Request
from model.served.score_histogram import score_bounds
from tests.model.engine.host import DATATYPES, HostTensor

DIGEST = "sha256:" + "e" * 64
NOW_NS = 20_000 * NS_PER_DAY
CUTOFF_NS = NOW_NS - 30 * NS_PER_DAY
_CATEGORIES = {
    "INT64": ("0", "1", "7", "-3", "12", "9000000000000000000", "x"),
    "FP32": ("0.5", "2", "-1.25", "3.1", "1e3", "0.1", "nan"),
    "BYTES": ("a", "b", "Ä", "7", "01", "a longer text than eight bytes", "日本"),
}
_STRANGE = (b"", b"zzz", b"\xff\xfe\x00", b"a\x00", "Ö".encode(), b"x" * 300)
Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratedModel:
    """A version folder and what made it."""

    repository: Path
    """With the version folder `1` in it."""
    contract: PayloadContract
    features: dict[str, TableFeatures]
    network: DistilledModel
    target: dict[str, float]
    keys: list[Any]
    """Of the entities that have an embedding."""
    predictor: Predictor = field(repr=False)
    embeddings: EmbeddingTable = field(repr=False)

    def requests(self, rng: np.random.Generator, num_requests: int, most_items: int = 3) -> list[dict[str, Array]]:
        """Requests that keep the contract: tensor name -> array in the shape that Triton hands over."""
        return [self._request(rng, int(rng.integers(1, most_items + 1))) for _ in range(num_requests)]

    def expected(self, arrays: list[dict[str, Array]]) -> tuple[Array, Array, Array]:
        """[B] scores by numpy and by PyTorch, and [B] cut-offs of the embeddings used."""
        parsed: list[Request] = [self.predictor.parse(one) for one in arrays]
        scores, times = self.predictor.predict(parsed, self.embeddings)
        inputs, _ = self.predictor.inputs(parsed, self.embeddings)
        with torch.inference_mode():
            logit_B = self.network(inputs)
            if self.contract.task == "binary":
                return scores, logit_B.sigmoid().numpy(), times
            value_B = logit_B * self.target["std"] + self.target["mean"]
            return scores, value_B.clamp(self.target["low"], self.target["high"]).numpy(), times

    def _request(self, rng: np.random.Generator, items: int) -> dict[str, Array]:
        anchor_ns = NOW_NS - rng.integers(-40, 60, (items, 1)) * NS_PER_DAY + rng.integers(0, NS_PER_DAY, (items, 1))
        arrays: dict[str, Array] = {"anchor_time": anchor_ns.astype(np.int64)}
        for spec in self.contract.facts():
            if spec.name == self.contract.embedding_key:
                arrays[spec.name] = self._keys(rng, items)
            elif rng.random() < 0.9:  # the others are left out
                arrays[spec.name] = _values(rng, spec, (items, 1), anchor_ns)
        for history in self.contract.interactions:
            num_rows = int(rng.choice([0, 1, 3, history.max_rows, 2 * history.max_rows + 1]))
            shape = (items, num_rows, 1)
            for spec in self.contract.interaction_columns(history.path):
                arrays[spec.name] = _values(rng, spec, shape, anchor_ns[:, None])
        return arrays

    def _keys(self, rng: np.random.Generator, items: int) -> Array:
        text = isinstance(self.keys[0], bytes)
        strangers: list[Any] = [b"", b"nobody", b"\xff"] if text else [MISSING_INT64, -1, 10**15]
        pool = self.keys + strangers
        return np.array([pool[place] for place in rng.integers(0, len(pool), items)], object if text else np.int64)[
            :, None
        ]


def host_tensors(contract: PayloadContract, arrays: dict[str, Array]) -> list[HostTensor]:
    """The request as Triton describes it."""
    tensors = []
    for name, array in arrays.items():
        data = wire(array)
        datatype = DATATYPES[contract.tensor(name).datatype.value]
        tensors.append(
            HostTensor(name=name, datatype=datatype, shape=array.shape, data=data, byte_size=len(data), num_buffers=1)
        )
    return tensors


def wire(array: Array) -> bytes:
    """An array as the V2 protocol's binary form has it."""
    if array.dtype != object:
        return array.tobytes()
    return b"".join(len(text).to_bytes(4, "little") + text for text in array.reshape(-1))


def generate_model(folder: Path, seed: int, task: Literal["binary", "regression"]) -> GeneratedModel:
    """Write `<folder>/1` as the export does."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    key = TensorSpec(
        name="people.id",
        datatype=Datatype(rng.choice(["INT64", "BYTES"])),
        role=Role.FACT,
        semantic_type=SemanticType.ID,
        table="people",
        column="id",
    )
    anchor = TensorSpec(
        name="anchor_time", datatype=Datatype.INT64, role=Role.ANCHOR_TIME, semantic_type=SemanticType.TIMESTAMP
    )
    features: dict[str, TableFeatures] = {}
    facts, features[ENTITY] = _table(rng, "people", "", Role.FACT)
    inputs, interactions = [anchor, key, *facts], []
    for number in range(int(rng.integers(0, 4))):
        path = f"people.id->events{number}.person"
        columns, features[path] = _table(rng, f"events{number}", path, Role.INTERACTION)
        time = TensorSpec(
            name=f"{path}:t",
            datatype=Datatype.INT64,
            role=Role.INTERACTION,
            semantic_type=SemanticType.TIMESTAMP,
            path=path,
            table=f"events{number}",
            column="t",
        )
        inputs += [time, *columns]
        interactions.append(
            Interactions(
                path=path,
                table=f"events{number}",
                time_tensor=time.name,
                max_rows=int(rng.integers(1, 33)),
                ignored_ns=int(rng.choice([0, NS_PER_DAY // 24])),
            )
        )
    dim = int(rng.integers(1, 40))
    contract = PayloadContract(
        model_name="generated",
        task=task,
        entity_table="people",
        embedding_key=key.name,
        embedding_dim=dim,
        base_digest=DIGEST,
        inputs=tuple(inputs),
        interactions=tuple(interactions),
    )
    num_heads, head_dim = int(rng.choice([1, 2, 3, 4])), int(rng.choice([3, 5, 8, 16]))
    settings = NetworkSettings(
        width=num_heads * head_dim,
        num_heads=num_heads,
        num_layers=int(rng.integers(1, 4)),
        feedforward=int(rng.integers(1, 70)),
        category_dim=int(rng.integers(1, 6)),
    )
    network = DistilledModel(input_shape(features, dim), settings).eval()
    target = {"mean": 0.0, "std": 1.0} if task == "binary" else {"mean": 3.0, "std": 2.0, "low": 2.0, "high": 4.5}
    version = folder / "1"
    (version / "embeddings").mkdir(parents=True)
    save_file(network.state_dict(), version / "weights.safetensors")
    (version / "contract.json").write_text(contract.model_dump_json(), "utf-8")
    (version / "features.json").write_text(features_to_json(features), "utf-8")
    (version / "settings.json").write_text(json.dumps({"network": asdict(settings), "target": target}), "utf-8")
    (version / "score_bounds.json").write_text(json.dumps(score_bounds(task)), "utf-8")
    keys = generate_embeddings(version / "embeddings", rng, dim, has_text=key.datatype is Datatype.BYTES)
    predictor = Predictor.open(version)
    return GeneratedModel(
        repository=folder,
        contract=contract,
        features=features,
        network=network,
        target=target,
        keys=keys,
        predictor=predictor,
        embeddings=predictor.open_embeddings(version / "embeddings"),
    )


def generate_embeddings(
    folder: Path, rng: np.random.Generator, dim: int, *, has_text: bool, cutoff_ns: int = CUTOFF_NS
) -> list[Any]:
    """Write an embedding table; its keys."""
    count = int(rng.integers(1, 200))
    if has_text:
        texts = {f"k{number}{'é' * (number % 3)}".encode() for number in rng.integers(0, 10**6, count)}
        keys: Array = np.array(sorted(texts), np.bytes_)
    else:
        keys = np.unique(rng.integers(-(10**12), 10**12, count))
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "keys.npy", keys)
    np.save(folder / "vectors.npy", rng.normal(size=(len(keys), dim)).astype(np.float32))
    facts = {"cutoff_ns": cutoff_ns, "base_digest": DIGEST, "entity_table": "people", "dim": dim, "count": len(keys)}
    (folder / "embeddings.json").write_text(json.dumps(facts), "utf-8")
    found: list[Any] = keys.tolist()
    return found


def _table(rng: np.random.Generator, table: str, path: str, role: Role) -> tuple[list[TensorSpec], TableFeatures]:
    """Columns of all kinds, and their features."""
    specs: list[TensorSpec] = []

    def column(datatype: str, meaning: SemanticType) -> str:
        name = f"c{len(specs)}"
        full = f"{path}:{name}" if path else f"{table}.{name}"
        specs.append(
            TensorSpec(
                name=full,
                datatype=Datatype(datatype),
                role=role,
                semantic_type=meaning,
                path=path,
                table=table,
                column=name,
            )
        )
        return name

    numericals = tuple(
        NumericalFeature(
            column=column(rng.choice(["INT64", "FP32"]), SemanticType.NUMERICAL),
            mean=float(rng.normal()),
            std=float(rng.uniform(0.1, 30)),
        )
        for _ in range(rng.integers(0, 3))
    )
    timestamps = tuple(
        TimestampFeature(column=column("INT64", SemanticType.TIMESTAMP)) for _ in range(rng.integers(0, 2))
    )
    categoricals = []
    for _ in range(rng.integers(0, 4)):
        datatype = str(rng.choice(list(_CATEGORIES)))
        values = tuple(rng.permutation(_CATEGORIES[datatype])[: rng.integers(1, 8)].tolist())
        categoricals.append(CategoricalFeature(column=column(datatype, SemanticType.CATEGORICAL), values=values))
    if not (path or numericals or timestamps):  # the network needs one of the entity where no history sums itself up
        numericals = (NumericalFeature(column=column("FP32", SemanticType.NUMERICAL), mean=0.0, std=1.0),)
    features = TableFeatures(
        table=table, numericals=numericals, timestamps=timestamps, categoricals=tuple(categoricals)
    )
    return specs, features


def _values(rng: np.random.Generator, spec: TensorSpec, shape: tuple[int, ...], anchor_ns: Int) -> Array:
    """Values of a column, a tenth of them null."""
    is_null = rng.random(shape) < 0.1
    if spec.semantic_type is SemanticType.TIMESTAMP:
        ages_ns = (rng.exponential(20, shape) * NS_PER_DAY).astype(np.int64) - NS_PER_DAY
        return np.where(is_null, MISSING_INT64, anchor_ns - ages_ns)
    if spec.semantic_type is SemanticType.CATEGORICAL:
        values = _CATEGORIES[spec.datatype.value]
        if spec.datatype is Datatype.BYTES:
            pool = [value.encode() for value in values] + list(_STRANGE)
            flat = [pool[place] for place in rng.integers(0, len(pool), int(np.prod(shape)))]
            texts = np.empty(len(flat), object)
            texts[:] = flat
            return texts.reshape(shape)
        numbers = np.array([float(value) for value in values if value != "x"] + [2.0, 55.0])
        picked = rng.choice(numbers, shape)
    else:
        picked = rng.normal(0, 10.0 ** float(rng.integers(0, 9)), shape)
    if spec.datatype is Datatype.INT64:
        return np.where(is_null, MISSING_INT64, picked.astype(np.int64))
    null = float(rng.choice([MISSING_FP32, np.nan]))
    return np.where(is_null, np.float32(null), picked.astype(np.float32))
