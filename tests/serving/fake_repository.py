"""A small Triton repository in the contract's form, with a numpy-only model that can be told to misbehave."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from model.artifact import Artifact, read_artifact, write_artifact
from model.contract import (
    ANCHOR_TIME,
    CONTRACT_FILE,
    Datatype,
    Interactions,
    PayloadContract,
    Role,
    TensorSpec,
)
from model.graph import SemanticType

MODEL_NAME = "churn"
KEY = "customers.customer_id"
PATH = "customers.customer_id->transactions.customer_id"
BASE_DIGEST = f"sha256:{7:064x}"
CRASHING_PRICE = -666.0
"""A request with this price ends the model's process."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Behaviour:
    """What the model does beside answering."""

    bias: float = 0.0
    """Tells versions apart: score = bias + price."""
    fail_share: float = 0.0
    """Share of the requests that fail, chosen by a seeded generator."""
    sleep_ms: float = 0.0
    slow_share: float = 0.0
    """Share of the requests that take `slow_ms` longer, chosen likewise: the tail alone."""
    slow_ms: float = 0.0
    load_s: float = 0.0
    """How long it takes to load."""
    load_error: bool = False
    """Whether the model refuses to load."""


def contract(base_digest: str = BASE_DIGEST) -> PayloadContract:
    """One key, two facts and one history of three columns."""
    number, time, word = SemanticType.NUMERICAL, SemanticType.TIMESTAMP, SemanticType.CATEGORICAL

    def fact(table: str, column: str, datatype: Datatype, meaning: SemanticType) -> TensorSpec:
        name = f"{table}.{column}"
        return TensorSpec(
            name=name, datatype=datatype, role=Role.FACT, semantic_type=meaning, table=table, column=column
        )

    def interaction(column: str, datatype: Datatype, meaning: SemanticType) -> TensorSpec:
        return TensorSpec(
            name=f"{PATH}:{column}",
            datatype=datatype,
            role=Role.INTERACTION,
            semantic_type=meaning,
            path=PATH,
            table="transactions",
            column=column,
        )

    return PayloadContract(
        model_name=MODEL_NAME,
        task="binary",
        entity_table="customers",
        embedding_key=KEY,
        embedding_dim=4,
        base_digest=base_digest,
        inputs=(
            TensorSpec(name=ANCHOR_TIME, datatype=Datatype.INT64, role=Role.ANCHOR_TIME, semantic_type=time),
            fact("customers", "customer_id", Datatype.INT64, SemanticType.ID),
            fact("customers", "price", Datatype.FP32, number),
            fact("customers", "club", Datatype.BYTES, word),
            interaction("t_dat", Datatype.INT64, time),
            interaction("price", Datatype.FP32, number),
            interaction("article", Datatype.BYTES, word),
        ),
        interactions=(Interactions(path=PATH, table="transactions", time_tensor=f"{PATH}:t_dat", max_rows=32),),
    )


def write_repository(
    path: Path, behaviour: Behaviour | None = None, *, base_digest: str = BASE_DIGEST, cutoff_ns: int = 10**18
) -> Artifact:
    """Write the repository as the export does: `contract.json`, `<model>/config.pbtxt`, `<model>/1/...`."""
    form = contract(base_digest)
    with write_artifact(path, kind="triton_repository", parents={"deep": base_digest}) as draft:
        version = draft.path / MODEL_NAME / "1"
        version.mkdir(parents=True)
        (draft.path / CONTRACT_FILE).write_text(form.model_dump_json(indent=2))
        (version / CONTRACT_FILE).write_text(form.model_dump_json(indent=2))
        (version.parent / "config.pbtxt").write_text(_config(form))
        (version / "behaviour.json").write_text(json.dumps(asdict(behaviour or Behaviour())))
        (version / "model.py").write_text((Path(__file__).parent / "fake_model.py").read_text())
        _write_table(version / "embeddings", base_digest, cutoff_ns)
    return read_artifact(path, kind="triton_repository")


def write_embeddings(path: Path, *, cutoff_ns: int, base_digest: str = BASE_DIGEST) -> Path:
    """Write an artifact of kind `embeddings`."""
    with write_artifact(path, kind="embeddings", parents={"deep": base_digest}) as draft:
        _write_table(draft.path, base_digest, cutoff_ns)
    return path


def request_body(*, price: float = 0.25, num_interactions: int = 3, customer_id: int = 1) -> bytes:
    """One request as V2 JSON."""
    columns: dict[str, tuple[str, list[object]]] = {
        "t_dat": ("INT64", [10**18 - i for i in range(num_interactions)]),
        "price": ("FP32", [0.5] * num_interactions),
        "article": ("BYTES", [f"article {i}" for i in range(num_interactions)]),
    }
    inputs = [
        _input(ANCHOR_TIME, "INT64", [1, 1], [2 * 10**18]),
        _input(KEY, "INT64", [1, 1], [customer_id]),
        _input("customers.price", "FP32", [1, 1], [price]),
        _input("customers.club", "BYTES", [1, 1], ["ACTIVE"]),
        *(_input(f"{PATH}:{name}", kind, [1, num_interactions, 1], data) for name, (kind, data) in columns.items()),
    ]
    return json.dumps({"inputs": inputs}).encode()


def _input(name: str, datatype: str, shape: list[int], data: list[object]) -> dict[str, object]:
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def _write_table(folder: Path, base_digest: str, cutoff_ns: int) -> None:
    folder.mkdir(exist_ok=True)
    np.save(folder / "keys.npy", np.arange(8, dtype=np.int64))
    np.save(folder / "vectors.npy", np.zeros((8, 4), dtype=np.float32))
    facts = {"cutoff_ns": cutoff_ns, "base_digest": base_digest, "entity_table": "customers", "dim": 4, "count": 8}
    (folder / "embeddings.json").write_text(json.dumps(facts))


def _config(form: PayloadContract) -> str:
    types = {Datatype.BYTES: "TYPE_STRING", Datatype.FP32: "TYPE_FP32", Datatype.INT64: "TYPE_INT64"}
    inputs = ",\n  ".join(
        f'{{ name: "{spec.name}" data_type: {types[spec.datatype]} '
        + ("dims: [ -1, 1 ] allow_ragged_batch: true }" if spec.role is Role.INTERACTION else "dims: [ 1 ] }")
        for spec in form.inputs
    )
    return f"""backend: "python"
max_batch_size: 64
dynamic_batching {{ }}
input [
  {inputs}
]
output [
  {{ name: "score" data_type: TYPE_FP32 dims: [ 1 ] }},
  {{ name: "embedding_time" data_type: TYPE_INT64 dims: [ 1 ] }}
]
instance_group [ {{ count: 1 kind: KIND_CPU }} ]
"""
