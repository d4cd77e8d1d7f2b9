"""A distilled model and embeddings -> a Triton model repository with its payload contract.

<path>/contract.json
<path>/<model_name>/config.pbtxt
<path>/<model_name>/1/contract.json, settings.json, features.json, weights.safetensors, score_bounds.json
<path>/<model_name>/1/libtriton_stillhouse.so               compiled engine: a Triton backend, or else
<path>/<model_name>/1/triton_model.py, model/served/*.py    numpy engine: sources for Triton's Python backend
<path>/<model_name>/1/embeddings/         keys.npy, vectors.npy, embeddings.json
"""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from model.artifact import Artifact, read_artifact, write_artifact
from model.compile import BACKEND, LIBRARY, UnsupportedModelError, check_model, engine_library, has_compiler
from model.contract import (
    ANCHOR_TIME,
    CONTRACT_FILE,
    EMBEDDING_TIME,
    SCORE,
    Datatype,
    Interactions,
    PayloadContract,
    Role,
    TensorSpec,
)
from model.errors import UserError
from model.graph import Graph, Link, SemanticType
from model.served.features import TableFeatures, features_from_json
from model.served.predictor import ENTITY
from model.served.score_histogram import score_bounds

SERVED_MODULES = (
    "__init__",
    "answers",
    "embedding_table",
    "features",
    "inputs",
    "missing",
    "predictor",
    "score_histogram",
    "scorer",
)
"""Of `model/served`, what goes into the repository: it imports numpy, the standard library and each other."""
ENTRY_MODULE = "triton_model"
EMBEDDING_FILES = ("keys.npy", "vectors.npy", "embeddings.json")
DISTILLED_FILES = ("weights.safetensors", "features.json", "settings.json")
NS_PER_HOUR = 3600 * 10**9
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_SMALL_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
_INTEGERS = (*_SMALL_INTEGERS, "UBIGINT", "HUGEINT")
_FLOATS = ("FLOAT", "REAL", "DOUBLE", "DECIMAL")


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportSettings:
    """How Triton runs the model."""

    max_batch_size: int = 64
    """Most items of one execute call."""
    instances: int = 1
    """Processes that score at the same time; each holds the weights and maps the same embeddings."""
    max_queue_delay_us: int = 0
    """How long a request may wait for company. At 0 numpy is given what came in while the last batch ran, and the
    compiled engine each request by itself: it gains less by a batch than Triton's batcher costs."""
    engine: Literal["auto", "compiled", "numpy"] = "auto"
    """`compiled` runs in Triton's own process, on processors like the one that exported it; `numpy` in a Python process
    beside it, on any. `auto` compiles where the compiler is here and the engine knows the model."""

    def __post_init__(self) -> None:
        for name, least in (("max_batch_size", 1), ("instances", 1), ("max_queue_delay_us", 0)):
            if getattr(self, name) < least:
                raise UserError(f"`{name}` must be at least {least} (got {getattr(self, name)})")


def export_repository(
    distilled_path: Path,
    embeddings_path: Path,
    path: Path,
    *,
    graph: Graph,
    model_name: str,
    settings: ExportSettings | None = None,
) -> Artifact:
    """Write the repository (kind `triton_repository`).

    Raises:
        UserError: embeddings of another deep model than the one that the distilled model was made from, or a name
            that cannot stand in a URL.
    """
    settings = settings or ExportSettings()
    if not _NAME.fullmatch(model_name):
        raise UserError(f"the model name takes small letters, digits and inner hyphens (got {model_name!r})")
    distilled = read_artifact(distilled_path, kind="distilled")
    embeddings = read_artifact(embeddings_path, kind="embeddings")
    base_digest = distilled.parents["deep"]
    found = json.loads((embeddings_path / "embeddings.json").read_text("utf-8"))
    if found["base_digest"] != base_digest:
        raise UserError(
            f"`{embeddings_path}` holds embeddings of the deep model {found['base_digest']}; "
            f"`{distilled_path}` was distilled from {base_digest}",
            hint="embed with the deep model that the distilled one was made from, or distil again",
        )
    if not (serving := json.loads((distilled_path / "settings.json").read_text("utf-8")))["use_embedding"]:
        raise UserError(
            f"`{distilled_path}` was trained without embeddings, for comparison only", hint="distil with embeddings"
        )
    features = features_from_json((distilled_path / "features.json").read_text("utf-8"))
    contract = build_contract(graph, features, serving, model_name=model_name, base_digest=base_digest)
    parents = {"distilled": distilled.digest, "embeddings": embeddings.digest, "deep": base_digest}
    with write_artifact(path, kind="triton_repository", parents=parents, settings=asdict(settings)) as draft:
        text = contract.model_dump_json(indent=2) + "\n"
        (draft.path / CONTRACT_FILE).write_text(text, "utf-8")
        version = draft.path / model_name / "1"
        (version / "embeddings").mkdir(parents=True)
        (version / CONTRACT_FILE).write_text(text, "utf-8")
        (version / "score_bounds.json").write_text(json.dumps(score_bounds(contract.task)), "utf-8")
        for name in DISTILLED_FILES:
            shutil.copyfile(distilled_path / name, version / name)
        for name in EMBEDDING_FILES:
            shutil.copyfile(embeddings_path / name, version / "embeddings" / name)
        engine, reason = _put_engine(version, settings.engine)
        (version.parent / "config.pbtxt").write_text(config_pbtxt(contract, settings, engine), "utf-8")
        draft.metrics.update(
            engine=engine, engine_reason=reason, num_embeddings=found["count"], cutoff_ns=found["cutoff_ns"]
        )
    return read_artifact(path, kind="triton_repository")


def _put_engine(version: Path, wanted: str) -> tuple[Literal["compiled", "numpy"], str]:
    """Put what scores into the version folder, whose other files are there; which engine it became, and why.

    Raises:
        UserError: the compiled engine is wanted and cannot be had.
    """
    reason = "as asked" if wanted == "numpy" else "there is no compiler on this machine"
    if wanted == "compiled" or (wanted == "auto" and has_compiler()):
        library = engine_library()
        try:
            check_model(version, library)
        except UnsupportedModelError as error:
            if wanted == "compiled":
                raise UserError(f"the compiled engine cannot run this model: {error}", hint="use `numpy`") from error
            reason = f"the compiled engine cannot run this model: {error}"
        else:
            shutil.copyfile(library, version / LIBRARY)
            return "compiled", "it knows this model"
    (version / "model" / "served").mkdir(parents=True)
    sources = Path(__file__).parent
    shutil.copyfile(sources / "__init__.py", version / "model" / "__init__.py")
    for name in SERVED_MODULES:
        shutil.copyfile(sources / "served" / f"{name}.py", version / "model" / "served" / f"{name}.py")
    shutil.copyfile(sources / "served" / f"{ENTRY_MODULE}.py", version / f"{ENTRY_MODULE}.py")
    return "numpy", reason


def build_contract(
    graph: Graph,
    features: Mapping[str, TableFeatures],
    serving: Mapping[str, Any],
    *,
    model_name: str,
    base_digest: str,
) -> PayloadContract:
    """Name and type every tensor that the features need."""
    entity = graph.table(features[ENTITY].table)
    key = entity.primary_key
    assert key is not None, f"{entity.name} has no primary key"
    inputs = [
        TensorSpec(
            name=ANCHOR_TIME, datatype=Datatype.INT64, role=Role.ANCHOR_TIME, semantic_type=SemanticType.TIMESTAMP
        )
    ]
    for column in dict.fromkeys((key, *features[ENTITY].columns)):
        inputs.append(_spec(graph, entity.name, column, path=""))
    interactions = []
    requests = serving["requests"]
    for link in graph.children(entity.name):
        path = f"{entity.name}.{key}->{link.child_table}.{link.child_column}"
        if path in features:
            inputs += _history(graph, link, path, features[path])
            time_column = graph.table(link.child_table).time_column
            interactions.append(
                Interactions(
                    path=path,
                    table=link.child_table,
                    time_tensor=f"{path}:{time_column}",
                    max_rows=requests["real_time_interactions"].get(path, requests["max_interactions"]),
                    ignored_ns=round(requests["real_time_offset_hours"] * NS_PER_HOUR),
                )
            )
    return PayloadContract(
        model_name=model_name,
        task=serving["task"],
        classes=serving["target"]["classes"],
        num_timeframes=serving["target"]["num_timeframes"],
        entity_table=entity.name,
        embedding_key=f"{entity.name}.{key}",
        embedding_dim=serving["embedding_dim"],
        base_digest=base_digest,
        inputs=tuple(inputs),
        interactions=tuple(interactions),
    )


def config_pbtxt(contract: PayloadContract, settings: ExportSettings, engine: Literal["compiled", "numpy"]) -> str:
    """Triton's model configuration."""
    backend = f'backend: "{BACKEND}"'
    if engine == "numpy":
        backend = f'backend: "python"\ndefault_model_filename: "{ENTRY_MODULE}.py"'
    batching = ""
    if engine == "numpy" or settings.max_queue_delay_us:
        batching = f"dynamic_batching {{ max_queue_delay_microseconds: {settings.max_queue_delay_us} }}\n"
    inputs = ",\n".join(_input(spec, contract.embedding_key) for spec in contract.inputs)
    return f"""name: "{contract.model_name}"
{backend}
max_batch_size: {settings.max_batch_size}
{batching}instance_group [ {{ count: {settings.instances} kind: KIND_CPU }} ]
input [
{inputs}
]
output [
  {{ name: "{SCORE}" data_type: TYPE_FP32 dims: [ {contract.num_scores} ] }},
  {{ name: "{EMBEDDING_TIME}" data_type: TYPE_INT64 dims: [ 1 ] }}
]
"""


def _input(spec: TensorSpec, embedding_key: str) -> str:
    """One `input` entry; histories are ragged, and a left-out fact is null."""
    datatype = "TYPE_STRING" if spec.datatype is Datatype.BYTES else f"TYPE_{spec.datatype.value}"
    shape = "dims: [ 1 ]"
    if spec.role is Role.INTERACTION:
        shape = "dims: [ -1, 1 ] allow_ragged_batch: true"
    elif spec.role is Role.FACT and spec.name != embedding_key:
        shape = "dims: [ 1 ] optional: true"
    return f"  {{ name: {json.dumps(spec.name, ensure_ascii=False)} data_type: {datatype} {shape} }}"


def _history(graph: Graph, link: Link, path: str, features: TableFeatures) -> list[TensorSpec]:
    time_column = graph.table(link.child_table).time_column
    assert time_column is not None, f"{link} has no time"
    return [_spec(graph, link.child_table, column, path=path) for column in (time_column, *features.columns)]


def _spec(graph: Graph, table: str, column: str, *, path: str) -> TensorSpec:
    """The tensor of one column: a fact, or with a path a column of a history."""
    return TensorSpec(
        name=f"{path}:{column}" if path else f"{table}.{column}",
        datatype=_datatype(graph, table, column),
        role=Role.INTERACTION if path else Role.FACT,
        semantic_type=graph.table(table).column(column).semantic_type,
        path=path,
        table=table,
        column=column,
    )


def _datatype(graph: Graph, table: str, column: str) -> Datatype:
    """How a column travels: keys as the parent's, times as INT64, numbers and categories by storage type."""
    for link in graph.parents(table):
        if link.child_column == column:
            parent = graph.table(link.parent_table)
            assert parent.primary_key is not None
            return _key_datatype(parent.column(parent.primary_key).storage_type)
    if column == graph.table(table).primary_key:
        return _key_datatype(graph.table(table).column(column).storage_type)
    if column == graph.table(table).time_column:
        return Datatype.INT64
    found = graph.table(table).column(column)
    if found.semantic_type is SemanticType.TIMESTAMP or found.storage_type in (*_SMALL_INTEGERS, "BOOLEAN"):
        return Datatype.INT64
    numerical = found.semantic_type is SemanticType.NUMERICAL
    return Datatype.FP32 if numerical or found.storage_type.startswith(_FLOATS) else Datatype.BYTES


def _key_datatype(storage_type: str) -> Datatype:
    return Datatype.INT64 if storage_type.startswith(_INTEGERS) else Datatype.BYTES
