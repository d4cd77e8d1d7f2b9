"""Tensors of many requests -> scores: checks, decodes and packs them for `model/served/scorer.py`.

Everything between Triton's tensors and the network, in numpy alone; copied into the Triton repository.

Legend: B items of all requests, R rows of one history of all items, K classes or timeframes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model.served.answers import VECTORS, answer, rescale
from model.served.embedding_table import EmbeddingTable, RefusedTableError
from model.served.features import TableFeatures, before, encode_values, features_from_json
from model.served.inputs import Float, Inputs, Int, Rows, age_days, keep_recent, summarise
from model.served.missing import MISSING_FP32, MISSING_INT64
from model.served.scorer import Scorer, read_safetensors

Array = npt.NDArray[Any]
ENTITY = "entity"
"""Name of the entity table's features in `features.json`; the histories' are called by their paths."""
_KINDS = {"INT64": "i", "FP32": "f", "BYTES": "OS"}
_NULLS: dict[str, Any] = {"INT64": MISSING_INT64, "FP32": np.nan, "BYTES": b""}
_WARM_UP_ITEMS = (1, 64)


class BadRequestError(Exception):
    """The request does not keep the contract; the message names the tensor."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One checked request; its columns are flat."""

    anchor_ns: Int
    """[items]"""
    facts: Mapping[str, Array]
    """Tensor name -> [items]."""
    num_rows: Mapping[str, int]
    """Path -> rows of each item."""
    histories: Mapping[str, Mapping[str, Array]]
    """Path -> column -> [items * num_rows]."""

    def __len__(self) -> int:
        return len(self.anchor_ns)


@dataclass(frozen=True, kw_only=True, slots=True)
class _History:
    path: str
    time_column: str
    max_rows: int
    ignored_ns: int
    """Of the last while before the anchor."""
    tensors: Mapping[str, str]
    """Tensor name -> column."""
    features: TableFeatures


class Predictor:
    """A model folder, ready to score; holds no state between calls."""

    def __init__(
        self,
        contract: Mapping[str, Any],
        settings: Mapping[str, Any],
        features: Mapping[str, TableFeatures],
        weights: dict[str, Float],
    ) -> None:
        """Put the parts together.

        Args:
            contract: `contract.json`.
            settings: `settings.json` of the distilled model: its network, and the scale and bounds of its numbers.
            features: of the entity (`entity`) and of each history, by path.
            weights: of the network.
        """
        self.contract = contract
        self.task: str = contract["task"]
        self._target = settings["target"]
        self._datatypes = {spec["name"]: spec["datatype"] for spec in contract["inputs"]}
        self._facts = {spec["name"]: spec["column"] for spec in contract["inputs"] if spec["role"] == "fact"}
        self._entity_features = features[ENTITY]
        self._histories = tuple(self._history(entry, features[entry["path"]]) for entry in contract["interactions"])
        network = settings["network"]
        self._scorer = Scorer(
            weights,
            num_layers=network["num_layers"],
            num_heads=network["num_heads"],
            entity=vocabulary(self._entity_features),
            histories=[vocabulary(history.features) for history in self._histories],
        )

    @classmethod
    def open(cls, folder: Path) -> "Predictor":
        """Read the contract, the settings, the features and the weights of an exported model's version folder."""
        contract, settings = (
            json.loads((folder / name).read_text("utf-8")) for name in ("contract.json", "settings.json")
        )
        features = features_from_json((folder / "features.json").read_text("utf-8"))
        return cls(contract, settings, features, read_safetensors(folder / "weights.safetensors"))

    def open_embeddings(self, folder: Path) -> EmbeddingTable:
        """Open embeddings for this model; RefusedTableError where they are not of its deep model or have other keys."""
        table = EmbeddingTable.open(
            folder, base_digest=self.contract["base_digest"], dim=self.contract["embedding_dim"]
        )
        has_texts = self._datatypes[self.contract["embedding_key"]] == "BYTES"
        if (table.keys.dtype.kind == "S") != has_texts:
            expected = "texts" if has_texts else "int64"
            raise RefusedTableError(f"{folder}: its keys are not {expected}, which this model's requests have")
        return table

    def parse(self, tensors: Mapping[str, Array]) -> Request:
        """Check one request: `[items, 1]` for the anchor and facts, `[items, n, 1]` for histories.

        Raises:
            BadRequestError: naming the tensor.
        """
        anchor_name, key_name = "anchor_time", self.contract["embedding_key"]
        for name in (anchor_name, key_name):
            if name not in tensors:
                raise BadRequestError(f"`{name}` is missing")
        items = len(tensors[anchor_name])
        anchor_ns = self._flat(anchor_name, tensors, (items, 1))
        if (anchor_ns == MISSING_INT64).any():
            raise BadRequestError(f"`{anchor_name}` is missing: a time in nanoseconds is needed")
        facts = {name: self._flat(name, tensors, (items, 1)) for name in self._facts}
        num_rows, histories = {}, {}
        for history in self._histories:
            num_rows[history.path], histories[history.path] = self._rows(history, tensors, items)
        return Request(anchor_ns=anchor_ns, facts=facts, num_rows=num_rows, histories=histories)

    def predict(self, requests: Sequence[Request], embeddings: EmbeddingTable) -> tuple[Float, Int]:
        """[B] or [B, K] scores, as `model/served/answers.py` has them, and [B] cut-offs of the embeddings used.

        An embedding from after the anchor is not used: nothing reads after the cut-off.
        """
        inputs, embedding_time_B = self.inputs(requests, embeddings)
        output = self._scorer(inputs)
        if self.task not in VECTORS:
            output = output[:, 0]
        return answer(self.task, rescale(self.task, output, self._target), self._target), embedding_time_B

    def inputs(self, requests: Sequence[Request], embeddings: EmbeddingTable) -> tuple[Inputs, Int]:
        """What the network sees of all the requests' items, and [B] cut-offs of the embeddings used."""
        anchor_ns = np.concatenate([np.zeros(0, np.int64), *(request.anchor_ns for request in requests)])
        facts = {
            name: np.concatenate([request.facts[name] for request in requests]) if requests else np.zeros(0, np.int64)
            for name in self._facts
        }
        encoded = encode_values(
            self._entity_features, {column: facts[name] for name, column in self._facts.items()}, anchor_ns
        )
        packed = [self._pack(history, requests, anchor_ns) for history in self._histories]
        summaries = [summarise(rows.age_days_R, rows.owner_R, len(anchor_ns)) for rows in packed]
        row_B = embeddings.find(_as_keys(facts[self.contract["embedding_key"]], embeddings.keys))
        if len(row_B):
            row_B = np.where(anchor_ns >= embeddings.cutoff_ns, row_B, -1)
        age_days_B = np.where(row_B >= 0, age_days(anchor_ns, embeddings.cutoff_ns), np.float32(np.nan))
        inputs = Inputs(
            facts_BF=np.concatenate([encoded.dense_RF, *summaries], axis=1),
            codes_BC=encoded.codes_RC,
            embedding_BE=embeddings.take(row_B),
            embedding_age_days_B=age_days_B,
            histories=tuple(packed),
        )
        return inputs, np.where(row_B >= 0, embeddings.cutoff_ns, MISSING_INT64)

    def warm_up_requests(self) -> list[Request]:
        """Requests that touch every weight and the sizes that matter: nothing but nulls, full histories."""
        requests = []
        for items in _WARM_UP_ITEMS:
            tensors = {name: np.full((items, 1), _NULLS[self._datatypes[name]]) for name in self._facts}
            tensors["anchor_time"] = np.zeros((items, 1), np.int64)
            for history in self._histories:
                for name in history.tensors:
                    null = _NULLS[self._datatypes[name]]
                    tensors[name] = np.full((items, history.max_rows, 1), null, object if null == b"" else None)
                tensors[f"{history.path}:{history.time_column}"].fill(-1)
            requests.append(self.parse(tensors))
        return requests

    def _history(self, entry: Mapping[str, Any], features: TableFeatures) -> _History:
        path = entry["path"]
        specs = [spec for spec in self.contract["inputs"] if spec["role"] == "interaction" and spec["path"] == path]
        return _History(
            path=path,
            time_column=next(spec["column"] for spec in specs if spec["name"] == entry["time_tensor"]),
            max_rows=entry["max_rows"],
            ignored_ns=entry["ignored_ns"],
            tensors={spec["name"]: spec["column"] for spec in specs},
            features=features,
        )

    def _rows(self, history: _History, tensors: Mapping[str, Array], items: int) -> tuple[int, dict[str, Array]]:
        """Rows of each item and the flat columns of one history."""
        present = [name for name in history.tensors if name in tensors]
        if not present:
            raise BadRequestError(f"`{next(iter(history.tensors))}` is missing; a history may be empty: [1, 0, 1]")
        first = tensors[present[0]]
        length = first.shape[1] if first.ndim > 1 else 0
        columns = {}
        for name, column in history.tensors.items():
            if name not in tensors:
                raise BadRequestError(f"`{name}` is missing; the columns of a history come together")
            shape = tensors[name].shape
            if len(shape) == 3 and shape[1] != length:
                raise BadRequestError(
                    f"`{name}` has {shape[1]} rows, `{present[0]}` has {length}; "
                    "all columns of one history need the same length"
                )
            columns[column] = self._flat(name, tensors, (items, length, 1))
        return length, columns

    def _flat(self, name: str, tensors: Mapping[str, Array], shape: tuple[int, ...]) -> Array:
        """One tensor, flat, with its datatype's null where it is left out."""
        datatype = self._datatypes[name]
        if name not in tensors:
            return np.full(shape, _NULLS[datatype], object if datatype == "BYTES" else None).reshape(-1)
        array = tensors[name]
        if array.shape != shape:
            raise BadRequestError(f"`{name}` has shape {list(array.shape)}; expected {list(shape)}")
        if array.dtype.kind not in _KINDS[datatype]:
            raise BadRequestError(f"`{name}` is {array.dtype}; expected {datatype}")
        array = array.reshape(-1)
        if datatype == "FP32":
            if np.isinf(array).any():
                raise BadRequestError(f"`{name}` is infinite or too large for 32 bits; expected a number or null")
            array = np.where(array == np.float32(MISSING_FP32), np.float32(np.nan), array)
        return array

    def _pack(self, history: _History, requests: Sequence[Request], anchor_ns: Int) -> Rows:
        """One history of all requests, without the rows that do not count."""
        lengths = [request.num_rows[history.path] for request in requests for _ in range(len(request))]
        owner_R = np.repeat(np.arange(len(anchor_ns)), np.array(lengths, np.int64))
        columns = {
            column: np.concatenate([request.histories[history.path][column] for request in requests])
            if requests
            else np.zeros(0, np.int64)
            for column in history.tensors.values()
        }
        time_ns = columns[history.time_column]
        kept = keep_recent(before(anchor_ns, history.ignored_ns), time_ns, owner_R, MISSING_INT64, history.max_rows)
        owner_R, time_ns = owner_R[kept], time_ns[kept]
        wanted = {column: columns[column][kept] for column in history.features.columns}
        encoded = encode_values(history.features, wanted, anchor_ns[owner_R])
        return Rows(
            dense_RF=encoded.dense_RF,
            codes_RC=encoded.codes_RC,
            age_days_R=age_days(anchor_ns[owner_R], time_ns),
            owner_R=owner_R,
        )


def vocabulary(features: TableFeatures) -> tuple[int, ...]:
    """Number of codes of each categorical column."""
    return tuple(feature.num_codes for feature in features.categoricals)


def _as_keys(values: Array, keys: Array) -> Array:
    """Payload keys as the table's own: int64, or UTF-8 bytes."""
    if keys.dtype.kind == "S":
        return np.array(values.tolist(), dtype=np.bytes_) if len(values) else np.zeros(0, "S1")
    return values.astype(np.int64)
