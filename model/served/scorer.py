"""The distilled model's network in numpy: weights as safetensors + `Inputs` -> outputs.

The twin of `model/distilled/network.py`, for servers that hold numpy only. Requests are packed without padding;
in the last layer only the entity token asks. Copied into the Triton repository.

Legend: B requests, N packed tokens of all requests, T the most tokens of one request, R rows of a history,
W width, H heads, K outputs, D width of a head, F numbers, C codes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from model.served.features import time_features
from model.served.inputs import Float, Inputs, Int, Rows, within

_HEADER_BYTES = 8
_NORM_EPSILON = 1e-5
_LARGEST_EXPONENT = np.float32(80.0)


def read_safetensors(path: Path) -> dict[str, Float]:
    """All float32 tensors of a safetensors file: eight bytes of header length, a JSON header, then the data."""
    raw = path.read_bytes()
    start = _HEADER_BYTES + int.from_bytes(raw[:_HEADER_BYTES], "little")
    header: dict[str, Any] = json.loads(raw[_HEADER_BYTES:start])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F32", f"{path}: {name} is {entry['dtype']}; expected F32"
        first, last = entry["data_offsets"]
        tensors[name] = np.frombuffer(raw[start + first : start + last], np.float32).reshape(entry["shape"])
    return tensors


@dataclass(frozen=True, kw_only=True, slots=True)
class _Encoder:
    """One table's columns -> token. A category's vector is mixed into the token's width once, at load."""

    dense_FW: Float  # noqa: N815
    bias_W: Float  # noqa: N815
    category_VW: tuple[Float, ...]  # noqa: N815
    """Of each categorical column: its vectors, already [values, W]."""

    def __call__(self, dense_NF: Float, codes_NC: Int) -> Float:
        token_NW = dense_NF @ self.dense_FW + self.bias_W
        for column, table_VW in enumerate(self.category_VW):
            token_NW += table_VW[codes_NC[:, column]]
        return token_NW


@dataclass(frozen=True, kw_only=True, slots=True)
class _Places:
    """Where the packed tokens of a batch stand when each request gets a row of T places."""

    slot_N: Int  # noqa: N815
    """request * T + place."""
    entity_B: Int  # noqa: N815
    """Position of each request's entity token among the packed tokens."""
    visible_BT: Float  # noqa: N815
    """1 where there is a token, 0 elsewhere."""

    @classmethod
    def of(cls, owner_N: Int, num_requests: int) -> "_Places":
        place_N = within(owner_N)
        most = int(place_N.max(initial=0)) + 1
        slot_N = owner_N * most + place_N
        visible_BT = np.zeros((num_requests, most), np.float32)
        visible_BT.reshape(-1)[slot_N] = 1
        return cls(slot_N=slot_N, entity_B=np.flatnonzero(place_N == 0), visible_BT=visible_BT)

    def spread(self, values_NW: Float) -> Float:
        """Packed -> [B, T, W], zero where there is no token."""
        spread = np.zeros((self.visible_BT.size, values_NW.shape[1]), np.float32)
        spread[self.slot_N] = values_NW
        return spread.reshape(*self.visible_BT.shape, values_NW.shape[1])


class Scorer:
    """The network, ready to score batches; safe to share between threads."""

    def __init__(
        self,
        weights: dict[str, Float],
        *,
        num_layers: int,
        num_heads: int,
        entity: tuple[int, ...],
        histories: Sequence[tuple[int, ...]],
    ) -> None:
        """Prepare the weights.

        Args:
            weights: by the names of `DistilledModel.state_dict()`.
            num_layers: transformer layers, at least one.
            num_heads: attention heads.
            entity: number of codes of each categorical column of the entity table.
            histories: the same for the table of each history.
        """
        self._weights = {name: np.ascontiguousarray(w.T) if w.ndim == 2 else w for name, w in weights.items()}
        self._num_layers = num_layers
        self._num_heads = num_heads
        self._entity = self._encoder("entity", weights, entity)
        self._histories = [self._encoder(f"histories.{i}", weights, sizes) for i, sizes in enumerate(histories)]

    def _encoder(self, name: str, weights: dict[str, Float], sizes: tuple[int, ...]) -> _Encoder:
        tables: list[Float] = []
        if sizes:
            vectors_VD, mix_WD = weights[f"{name}.categories.weight"], weights[f"{name}.mix.weight"]
            dim = vectors_VD.shape[1]
            starts = np.cumsum([0, *sizes])
            for column, (first, last) in enumerate(pairwise(starts.tolist())):
                tables.append(vectors_VD[first:last] @ mix_WD[:, column * dim : (column + 1) * dim].T)
        return _Encoder(
            dense_FW=self._weights[f"{name}.dense.weight"],
            bias_W=self._weights[f"{name}.dense.bias"],
            category_VW=tuple(tables),
        )

    def __call__(self, inputs: Inputs) -> Float:
        """[B, K] outputs, K of them a request. Works for no request and for empty histories."""
        tokens_NW, places = self._tokens(inputs)
        for layer in range(self._num_layers - 1):
            tokens_NW = self._layer(f"layers.{layer}", tokens_NW, places)
        entity_BW = self._layer(f"layers.{self._num_layers - 1}", tokens_NW, places, entity_only=True)
        return self._linear("head", self._norm("norm", entity_BW))

    def _tokens(self, inputs: Inputs) -> tuple[Float, _Places]:
        """All tokens sorted by request, the entity's token first of each."""
        requests_B = np.arange(len(inputs))
        owner_N = np.concatenate([requests_B, requests_B, *(rows.owner_R for rows in inputs.histories)])
        tokens = [self._entity(inputs.facts_BF, inputs.codes_BC), self._embedding(inputs)]
        tokens += [self._history(index, rows) for index, rows in enumerate(inputs.histories)]
        order_N = np.argsort(owner_N, kind="stable")
        return np.concatenate(tokens)[order_N], _Places.of(owner_N[order_N], len(inputs))

    def _embedding(self, inputs: Inputs) -> Float:
        missing_B = np.isnan(inputs.embedding_age_days_B)
        age_days_B = np.where(missing_B, np.float32(0), inputs.embedding_age_days_B)
        token_BW = self._linear("embedding", inputs.embedding_BE)
        token_BW += self._linear("embedding_age", time_features(age_days_B))
        return np.where(missing_B[:, None], self._weights["no_embedding"], token_BW)

    def _history(self, index: int, rows: Rows) -> Float:
        dense_RF = np.concatenate([rows.dense_RF, time_features(rows.age_days_R)], axis=1)
        return self._histories[index](dense_RF, rows.codes_RC)

    def _layer(self, name: str, tokens_NW: Float, places: _Places, entity_only: bool = False) -> Float:
        """One pre-norm layer over all tokens; with `entity_only` only the entity tokens ask, and [B, W] comes out."""
        width = tokens_NW.shape[1]
        qkv_W3W, bias_3W = self._weights[f"{name}.qkv.weight"], self._weights[f"{name}.qkv.bias"]
        normed_NW = self._norm(f"{name}.norm_attention", tokens_NW)
        key_value_N2W = normed_NW @ qkv_W3W[:, width:] + bias_3W[width:]
        if entity_only:
            tokens_NW, normed_NW = tokens_NW[places.entity_B], normed_NW[places.entity_B]
        query_NW = normed_NW @ qkv_W3W[:, :width] + bias_3W[:width]
        out_NW = tokens_NW + self._linear(f"{name}.out", self._attend(query_NW, key_value_N2W, places, entity_only))
        inner = self._linear(f"{name}.inner", self._norm(f"{name}.norm_feedforward", out_NW))
        out_NW += self._linear(f"{name}.outer", np.maximum(inner, 0, out=inner))
        return out_NW

    def _attend(self, query_NW: Float, key_value_N2W: Float, places: _Places, entity_only: bool) -> Float:
        """Attention of each query over the tokens of its own request."""
        width = query_NW.shape[1]
        query_NW *= np.float32((width // self._num_heads) ** -0.5)
        query_BHTD = self._heads(query_NW[:, None] if entity_only else places.spread(query_NW))
        key_BHTD = self._heads(places.spread(key_value_N2W[:, :width]))
        value_BHTD = self._heads(places.spread(key_value_N2W[:, width:]))
        weight_BHTT = query_BHTD @ key_BHTD.swapaxes(2, 3)
        # A bound instead of each row's largest value: numpy finds maxima of short rows slowly.
        np.minimum(weight_BHTT, _LARGEST_EXPONENT, out=weight_BHTT)
        np.exp(weight_BHTT, out=weight_BHTT)
        # Places without a token need no mask: their values are zero, and the total counts the others only.
        heard_BHTD = weight_BHTT @ value_BHTD
        heard_BHTD /= weight_BHTT @ places.visible_BT[:, None, :, None]
        heard_NW: Float = np.ascontiguousarray(heard_BHTD.swapaxes(1, 2), np.float32).reshape(-1, width)
        return heard_NW if entity_only else heard_NW[places.slot_N]

    def _heads(self, values_BTW: Float) -> Float:
        num_requests, most, width = values_BTW.shape
        return values_BTW.reshape(num_requests, most, self._num_heads, width // self._num_heads).swapaxes(1, 2)

    def _linear(self, name: str, values: Float) -> Float:
        result: Float = values @ self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return result

    def _norm(self, name: str, values_NW: Float) -> Float:
        centred = values_NW - values_NW.mean(axis=1, keepdims=True)
        variance = np.einsum("nw,nw->n", centred, centred)[:, None] / np.float32(values_NW.shape[1])
        centred /= np.sqrt(variance + np.float32(_NORM_EPSILON))
        result: Float = centred * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return result
