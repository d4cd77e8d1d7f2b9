"""A distilled model -> a copy that is broken as real ones get: some weights are NaN, so some requests have no score.

The broken vector belongs to one value of one categorical column of a history: requests without that value are
answered well, so a look at a few answers shows nothing, and the gateway's counters show it soon.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from model.artifact import Artifact, read_artifact, write_artifact
from model.distilled.scores import load_distilled
from model.store.history import history_links, link_path_name, recent_children
from model.store.row_features import RowEncoder
from model.store.store import GraphStore

WANTED_SHARE = 0.3
"""Share of the requests that should fail; the nearest value is taken."""
WEIGHTS_FILE = "weights.safetensors"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wound:
    """Where the weights break."""

    tensor: str
    row: int | None
    """Row of the tensor; None is the whole of it."""
    share: float
    """Of the requests, those that it fails."""


def damage(store: GraphStore, source: Path, path: Path, keys: npt.NDArray[Any], anchor_ns: int) -> Artifact:
    """Copy the distilled model at `source` to `path` with a wound that fails about a third of the requests.

    Args:
        store: the tables.
        source: a `distilled` artifact.
        path: where the broken copy goes.
        keys: entities that will be asked about.
        anchor_ns: when.
    """
    good = read_artifact(source, kind="distilled")
    wound = find_wound(store, source, keys, anchor_ns)
    weights = {name: value.copy() for name, value in load_file(source / WEIGHTS_FILE).items()}
    weights[wound.tensor][slice(None) if wound.row is None else wound.row] = np.nan
    settings = {**good.settings, "damaged": f"{wound.tensor}[{wound.row}]"}
    with write_artifact(path, kind="distilled", parents=good.parents, settings=settings) as draft:
        for file in source.iterdir():
            if file.name not in (WEIGHTS_FILE, "manifest.json"):
                shutil.copyfile(file, draft.path / file.name)
        save_file(weights, draft.path / WEIGHTS_FILE)
        draft.metrics["share_of_requests_without_score"] = wound.share
    return read_artifact(path, kind="distilled")


def find_wound(store: GraphStore, source: Path, keys: npt.NDArray[Any], anchor_ns: int) -> Wound:
    """The category whose loss fails a share of the requests nearest to `WANTED_SHARE`; everything without one."""
    distilled = load_distilled(source)
    link = history_links(store, distilled.features["entity"].table)[0]
    features = distilled.features[link_path_name(store, link)]
    rows = store.rows_of(link.parent_table, keys)
    children, owner = recent_children(
        store, link, rows, np.full(len(rows), anchor_ns), distilled.requests.max_interactions
    )
    codes_RC = RowEncoder(store, features).encode(children.astype(np.int64), np.full(len(children), anchor_ns)).codes_RC
    best = Wound(tensor="head.bias", row=None, share=1.0)
    first_row = 0
    for place, feature in enumerate(features.categoricals):
        pairs = np.unique(owner * feature.num_codes + codes_RC[:, place])
        shares = np.bincount(pairs % feature.num_codes, minlength=feature.num_codes) / len(rows)
        code = int(np.abs(shares - WANTED_SHARE).argmin())
        if abs(shares[code] - WANTED_SHARE) < abs(best.share - WANTED_SHARE):
            best = Wound(tensor="histories.0.categories.weight", row=first_row + code, share=float(shares[code]))
        first_row += feature.num_codes
    return best
