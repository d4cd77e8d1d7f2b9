"""A trained ranking: the artifact `ranking`, and the best items of entities as of a cut-off.

Legend: R entities, B entities of a batch, N items, K places of the answer.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.deep.scores import Deep, load_deep, save_deep
from model.errors import UserError
from model.graph import Link
from model.progress import Progress, silent
from model.ranking.items import Float32, Int64, Items, Own, Ranked
from model.ranking.network import RankingHead, RankingSettings
from model.store.row_features import RowEncoder
from model.store.store import GraphStore, Keys

KIND = "ranking"
HEAD_FILE, RANKING_FILE, KEYS_FILE = "ranking.safetensors", "ranking.json", "item_keys.npy"
RANK_ROWS = 256
"""Entities of one batch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranker:
    """The encoder of entities, the head, and what they read."""

    deep: Deep
    head: RankingHead
    what: Ranked
    item_keys: Keys
    """[items of training], in the order of their vectors."""
    items_ns: int
    """Moment as of which the columns of items are read, whatever the cut-off: they are columns that do not change."""


class Reader:
    """A ranker over one store: holds the columns of its items, and encodes batches of one cut-off."""

    def __init__(self, store: GraphStore, ranker: Ranker) -> None:
        self.ranker = ranker
        self.items = Items(store, ranker.what)
        self.builder = ranker.deep.inputs(store)
        table = ranker.what.item_table
        rows = np.arange(store.num_rows(table))
        encoded = RowEncoder(store, ranker.deep.features[table]).encode(rows, np.full(len(rows), ranker.items_ns))
        self.dense_NF, self.codes_NC = torch.from_numpy(encoded.dense_RF), torch.from_numpy(encoded.codes_RC)
        index = np.full(len(rows), len(ranker.item_keys), np.int64)
        known = store.rows_of(table, ranker.item_keys)
        index[known[known >= 0]] = np.flatnonzero(known >= 0)
        self.index_N = torch.from_numpy(index)

    def vectors(self, items: Int64) -> Tensor:
        """[items, D]."""
        at = torch.from_numpy(items)
        vectors: Tensor = self.ranker.head.item_vectors(self.index_N[at], self.dense_NF[at], self.codes_NC[at])
        return vectors

    def scores(self, rows_B: Int64, cutoff_ns: int, vectors_ND: Tensor) -> Tensor:
        """[B, visible items] as of a cut-off."""
        head, own = self.ranker.head, self.items.own(rows_B, cutoff_ns)
        num_visible = self.items.visible(cutoff_ns)
        popularity_NP = torch.from_numpy(self.items.popularity(cutoff_ns))
        _, embedding_BE = self.ranker.deep.model(self.builder.build(rows_B, np.full(len(rows_B), cutoff_ns)))
        here_BH, is_own_BH = own_places(own)
        query_BD = head.queries(embedding_BE, vectors_ND[here_BH], torch.from_numpy(own.weights_BHW))
        score_BN: Tensor = query_BD @ vectors_ND.T + head.fashion(popularity_NP)
        habit_BH = head.habits(torch.from_numpy(own.features_BHQ), popularity_NP[here_BH])
        score_BN.scatter_add_(1, here_BH, torch.where(is_own_BH, habit_BH, 0.0))
        return score_BN[:, :num_visible]


def own_places(own: Own) -> tuple[Tensor, Tensor]:
    """Own items with 0 for padding, and which of them are none."""
    items_BH = torch.from_numpy(own.items_BH)
    return items_BH.clamp(min=0), items_BH >= 0


def rank_rows(
    store: GraphStore, ranker: Ranker, rows: Int64, cutoff_ns: Int64, top: int, progress: Progress = silent
) -> tuple[Int64, Float32]:
    """([R, K] item rows, best first, -1 where there are fewer items; [R, K] their scores), each as of its cut-off."""
    reader = Reader(store, ranker)
    best = np.full((len(rows), top), -1, np.int64)
    scores = np.full((len(rows), top), -np.inf, np.float32)
    ranker.deep.model.eval()
    ranker.head.eval()
    done = 0
    with torch.inference_mode():
        vectors_ND = reader.vectors(np.arange(reader.items.num_items))
        for moment in np.unique(cutoff_ns).tolist():
            here = np.flatnonzero(cutoff_ns == moment)
            for start in range(0, len(here), RANK_ROWS):
                batch = here[start : start + RANK_ROWS]
                found = reader.scores(rows[batch], moment, vectors_ND)
                score_BK, item_BK = found.topk(min(top, found.shape[1]), dim=1)
                best[batch, : item_BK.shape[1]] = item_BK.numpy()
                scores[batch, : item_BK.shape[1]] = score_BK.numpy()
                done += len(batch)
                progress(done, len(rows))
    return best, scores


def save_ranker(ranker: Ranker, deep_weights: dict[str, Tensor], head_weights: dict[str, Tensor], folder: Path) -> None:
    """Write the files of a `ranking` artifact into a draft folder."""
    save_deep(ranker.deep, deep_weights, folder)
    save_file(head_weights, folder / HEAD_FILE)
    np.save(folder / KEYS_FILE, ranker.item_keys)
    what = {
        "to_entity": ranker.what.to_entity.model_dump(),
        "to_item": ranker.what.to_item.model_dump(),
        "horizon_ns": ranker.what.horizon_ns,
        "top": ranker.what.top,
    }
    document = {"what": what, "items_ns": ranker.items_ns, "head": asdict(ranker.head.settings)}
    (folder / RANKING_FILE).write_text(json.dumps(document, indent=2) + "\n")


def load_ranker(path: Path) -> Ranker:
    """The ranking at `path`.

    Raises:
        UserError: no such artifact, or one that another version of this program wrote.
    """
    deep = load_deep(path, kind=KIND)
    try:
        document = json.loads((path / RANKING_FILE).read_text())
        found = document["what"]
        what = Ranked(
            to_entity=Link(**found["to_entity"]),
            to_item=Link(**found["to_item"]),
            horizon_ns=found["horizon_ns"],
            top=found["top"],
        )
        keys = np.load(path / KEYS_FILE, allow_pickle=False)
        head = make_head(deep, what, len(keys), RankingSettings(**document["head"]))
        head.load_state_dict(load_file(path / HEAD_FILE))
    except (KeyError, TypeError, OSError, RuntimeError) as error:
        raise UserError(f"cannot load the ranking at `{path}`: {error}", hint="train again") from error
    return Ranker(deep=deep, head=head.eval(), what=what, item_keys=keys, items_ns=document["items_ns"])


def make_head(deep: Deep, what: Ranked, num_items: int, settings: RankingSettings) -> RankingHead:
    """A head with fresh weights."""
    features = deep.features[what.item_table]
    num_codes = tuple(feature.num_codes for feature in features.categoricals)
    return RankingHead(deep.model.settings.embedding_dim, num_items, features.num_dense, num_codes, settings)
