"""A link query's training table and a graph store become a ranking: an artifact of kind `ranking`.

Every batch is of one cut-off. An entity's positives compete with its own earlier items and with items drawn by
popularity, whose logits are corrected by the chance of being drawn (log Q), so that popular items are not punished.
Legend: B entities, S drawn items, H own items, K positives that are not among them.
"""

import copy
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from model.artifact import Artifact, read_artifact, write_artifact
from model.checkpoint import Checkpoint, Checkpoints, restore, state_of
from model.deep.network import DeepSettings, num_parameters
from model.deep.sampler import SamplerSettings
from model.deep.scores import make_deep
from model.deep.train import entity_rows
from model.errors import UserError
from model.labels.splits import training_splits
from model.labels.training_table import Lists, TrainingTable
from model.progress import Progress, silent
from model.ranking.hits import precisions
from model.ranking.items import Float32, Int64, Own, Ranked
from model.ranking.network import RankingSettings
from model.ranking.ranker import KIND, Ranker, Reader, make_head, own_places, rank_rows, save_ranker
from model.store.row_features import FeatureSettings, fit_features
from model.store.store import GraphStore
from model.task import TaskHead


@dataclass(frozen=True, kw_only=True, slots=True)
class RankSettings:
    """The networks, what they see, and how long they learn."""

    model: DeepSettings = field(default_factory=DeepSettings)
    head: RankingSettings = field(default_factory=RankingSettings)
    sampler: SamplerSettings = field(default_factory=SamplerSettings)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    max_rows: int = 60_000
    """Row visits in all."""
    batch_rows: int = 128
    num_drawn: int = 4096
    """Items drawn a batch; a table with no more is taken whole."""
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    gradient_clip: float = 1.0
    num_evaluations: int = 6
    """How often validation rows are ranked; the best weights are kept, those of the start among them."""
    patience: int = 3
    max_validation_rows: int = 2000
    scale_rows: int = 2048
    """Rows from which the scale of every number is taken."""
    seed: int = 0

    def __post_init__(self) -> None:
        counts = ("max_rows", "batch_rows", "num_drawn", "num_evaluations", "patience", "max_validation_rows")
        for name in counts:
            if getattr(self, name) < 1:
                raise UserError(f"`{name}` must be at least 1 (got {getattr(self, name)})")
        if not self.learning_rate > 0:
            raise UserError(f"`learning_rate` must be above 0 (got {self.learning_rate})")


def train_ranking(
    store: GraphStore,
    table: TrainingTable,
    what: Ranked,
    path: Path,
    settings: RankSettings,
    progress: Progress = silent,
    *,
    table_digest: str = "",
    checkpoints: Checkpoints | None = None,
) -> Artifact:
    """Train on the `train` rows, choose the weights by MAP on the `validation` rows, and write them at `path`.

    One that was killed goes on from its last checkpoint, to the same weights.

    Raises:
        UserError: no rows of a split, or an entity or item that the store does not know.
    """
    rng = np.random.default_rng(settings.seed)
    train, validation = training_splits(table, settings.max_validation_rows, rng)
    rows, positives = entity_rows(store, table), item_rows(store, table, what)
    upto_ns = int(table.cutoff_ns[train].max())
    features = fit_features(store, upto_ns, settings.features)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        deep = make_deep(
            store, features, settings.sampler, settings.model, entity_table=what.entity_table,
            head=TaskHead(kind="binary"),
        )  # fmt: skip
        keys = store.keys(what.item_table)
        head = make_head(deep, what, len(keys), settings.head)
        ranker = Ranker(deep=deep, head=head, what=what, item_keys=keys.copy(), items_ns=upto_ns)
        inputs = {"task": "link", "what": what, "settings": settings, "graph": store.artifact.digest, "table": table}
        checkpoint = Checkpoint(path, inputs, checkpoints or Checkpoints())
        best = _fit(store, ranker, table, rows, positives, train, validation, settings, rng, progress, checkpoint)
    parents = {"graph": store.artifact.digest, **({"training_table": table_digest} if table_digest else {})}
    with write_artifact(path, kind=KIND, parents=parents, settings={"task": "link", **asdict(settings)}) as draft:
        save_ranker(ranker, best.deep, best.head, draft.path)
        draft.metrics.update(
            {f"validation_map_{what.top}": best.precision},
            num_parameters=num_parameters(deep.model) + num_parameters(head),
            rows_seen=best.rows_seen,
        )
    checkpoint.remove()
    return read_artifact(path, kind=KIND)


def item_rows(store: GraphStore, table: TrainingTable, what: Ranked) -> Lists:
    """The items of every row of a training table, as rows of the item table.

    Raises:
        UserError: an item that the store does not know.
    """
    assert table.lists is not None, "a link table has lists"
    found = store.rows_of(what.item_table, table.lists.values)
    if (found < 0).any():
        raise UserError(
            f"the training table names a `{what.item_table}` that the graph store does not have "
            f"(got {table.lists.values[[int(np.argmin(found))]].tolist()[0]!r})",
            hint="build the graph store and the training table from the same tables",
        )
    return Lists(values=found.astype(np.int64), offsets=table.lists.offsets)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Best:
    precision: float
    deep: dict[str, Tensor]
    head: dict[str, Tensor]
    rows_seen: int


def _fit(
    store: GraphStore,
    ranker: Ranker,
    table: TrainingTable,
    rows: Int64,
    positives: Lists,
    train: Int64,
    validation: Int64,
    settings: RankSettings,
    rng: np.random.Generator,
    progress: Progress,
    checkpoint: Checkpoint,
) -> _Best:
    networks = nn.ModuleList([ranker.deep.model, ranker.head])
    batches = list(_batches(train, table.cutoff_ns, settings, rng))
    optimizer = torch.optim.AdamW(networks.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=len(batches))
    reader = Reader(store, ranker)
    some = np.sort(rng.choice(train, min(settings.scale_rows, len(train)), replace=False))
    ranker.deep.model.fit_scale(reader.builder.build(rows[some], table.cutoff_ns[some]))
    if reader.dense_NF.shape[1]:
        ranker.head.columns.fit_scale(reader.dense_NF)
    evaluate_at = {round(len(batches) * (i + 1) / settings.num_evaluations) for i in range(settings.num_evaluations)}

    def judged(rows_seen: int) -> _Best:
        ranking, _ = rank_rows(store, ranker, rows[validation], table.cutoff_ns[validation], ranker.what.top)
        precision = float(precisions(positives.take(validation), ranking).mean())
        copies = [copy.deepcopy({k: v.contiguous() for k, v in one.state_dict().items()}) for one in networks]
        return _Best(precision=precision, deep=copies[0], head=copies[1], rows_seen=rows_seen)

    parts: dict[str, Any] = {"networks": networks, "optimizer": optimizer, "schedule": schedule}
    if (saved := checkpoint.resume()) is not None:
        restore(saved["training"], **parts)
        rng.bit_generator.state = saved["random"]
        begun, waited, rows_seen, best = saved["step"], saved["waited"], saved["rows_seen"], _Best(**saved["best"])
    else:
        begun, waited, rows_seen, best = 0, 0, 0, judged(0)
    for step, batch_B in enumerate(batches[begun:], start=begun + 1):
        networks.train()
        loss = _loss(reader, rows[batch_B], int(table.cutoff_ns[batch_B[0]]), positives.take(batch_B), settings, rng)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(networks.parameters(), settings.gradient_clip)
        optimizer.step()
        schedule.step()
        rows_seen += len(batch_B)
        progress(step, len(batches))
        if step in evaluate_at:
            now = judged(rows_seen)
            best, waited = (now, 0) if now.precision > best.precision else (best, waited + 1)
            if waited >= settings.patience:
                break
        if checkpoint.due():
            kept = {name: getattr(best, name) for name in _Best.__slots__}
            reached = {"step": step, "waited": waited, "rows_seen": rows_seen, "best": kept}
            checkpoint.write({**reached, "random": rng.bit_generator.state, "training": state_of(**parts)})
    progress(len(batches), len(batches))
    return replace(best, rows_seen=rows_seen)


def _batches(train: Int64, cutoff_ns: Int64, settings: RankSettings, rng: np.random.Generator) -> Iterator[Int64]:
    """Passes over the rows up to `max_rows`, in batches of one cut-off each, shuffled."""
    left = settings.max_rows
    while left > 0:
        visit = rng.permutation(train)[:left]
        left -= len(visit)
        visit = visit[np.argsort(cutoff_ns[visit], kind="stable")]
        cuts = np.flatnonzero(np.diff(cutoff_ns[visit])) + 1
        pieces = [
            part[start : start + settings.batch_rows]
            for part in np.split(visit, cuts)
            for start in range(0, len(part), settings.batch_rows)
        ]
        for place in rng.permutation(len(pieces)):
            yield pieces[place]


def _loss(
    reader: Reader, rows_B: Int64, cutoff_ns: int, positives: Lists, settings: RankSettings, rng: np.random.Generator
) -> Tensor:
    """Cross entropy of each entity's positives among its own items, the drawn ones, and the positives."""
    head, own = reader.ranker.head, reader.items.own(rows_B, cutoff_ns)
    popularity_NP = reader.items.popularity(cutoff_ns)
    drawn_S, chance_S = _draw(reader, cutoff_ns, settings.num_drawn, rng)
    is_positive_BH, new_BK = _split(own, positives, reader.items.num_items)
    items = np.unique(np.concatenate([drawn_S, own.items_BH.ravel(), new_BK.ravel()]))
    items = items[items >= 0]
    vectors_UD = reader.vectors(items)

    def place(rows: Int64) -> Tensor:
        return torch.from_numpy(np.searchsorted(items, np.maximum(rows, items[0])))

    def among(rows: Int64) -> Tensor:
        """[..., P] popularity; of the first item for padding."""
        return torch.from_numpy(popularity_NP[np.maximum(rows, 0)])

    own_BHD, new_BKD = vectors_UD[place(own.items_BH)], vectors_UD[place(new_BK)]
    _, embedding_BE = reader.ranker.deep.model(reader.builder.build(rows_B, np.full(len(rows_B), cutoff_ns)))
    _, is_own_BH = own_places(own)
    query_BD = head.queries(embedding_BE, own_BHD, torch.from_numpy(own.weights_BHW))
    drawn_BS = query_BD @ vectors_UD[place(drawn_S)].T + head.fashion(among(drawn_S)) - torch.from_numpy(chance_S)
    habit_BH = head.habits(torch.from_numpy(own.features_BHQ), among(own.items_BH))
    own_BH = (own_BHD @ query_BD[:, :, None]).squeeze(2) + head.fashion(among(own.items_BH)) + habit_BH
    new_logit_BK = (new_BKD @ query_BD[:, :, None]).squeeze(2) + head.fashion(among(new_BK))
    is_new_BK = torch.from_numpy(new_BK >= 0)
    logits = torch.cat(
        [
            drawn_BS.masked_fill(torch.from_numpy(_taken(drawn_S, own.items_BH, new_BK)), -torch.inf),
            own_BH.masked_fill(~is_own_BH, -torch.inf),
            new_logit_BK.masked_fill(~is_new_BK, -torch.inf),
        ],
        dim=1,
    )
    chosen = torch.cat(
        [torch.zeros_like(drawn_BS, dtype=torch.bool), torch.from_numpy(is_positive_BH), is_new_BK], dim=1
    )
    log_share = torch.log_softmax(logits, dim=1)
    each_B = -torch.where(chosen, log_share, 0.0).sum(dim=1) / chosen.sum(dim=1).clamp(min=1)
    return each_B.mean()


def _draw(reader: Reader, cutoff_ns: int, number: int, rng: np.random.Generator) -> tuple[Int64, Float32]:
    """Different visible items, and the logarithm of each one's chance of being drawn (0 where all are)."""
    num_visible = reader.items.visible(cutoff_ns)
    if num_visible <= number:
        return np.arange(num_visible), np.zeros(num_visible, np.float32)
    ever_N = np.expm1(reader.items.popularity(cutoff_ns)[:num_visible, -2].astype(np.float64))
    share_N = ever_N**0.75 + 1
    share_N /= share_N.sum()
    drawn = np.unique(rng.choice(num_visible, number, p=share_N))
    return drawn, np.log(-np.expm1(number * np.log1p(-share_N[drawn]))).astype(np.float32)


def _split(own: Own, positives: Lists, num_items: int) -> tuple[npt.NDArray[np.bool_], Int64]:
    """Which own items are positives; and the other positives, padded with -1."""
    owner = np.repeat(np.arange(len(positives)), positives.lengths())
    wanted = owner * num_items + positives.values
    mine_BH = np.arange(len(own.items_BH))[:, None] * num_items + own.items_BH
    is_positive_BH = np.isin(mine_BH, wanted) & (own.items_BH >= 0)
    is_new = ~np.isin(wanted, mine_BH[own.items_BH >= 0])
    owner, items = owner[is_new], np.asarray(positives.values, np.int64)[is_new]
    place = np.arange(len(owner)) - np.searchsorted(owner, owner)
    new_BK = np.full((len(positives), int(place.max(initial=-1)) + 1), -1, np.int64)
    new_BK[owner, place] = items
    return is_positive_BH, new_BK


def _taken(drawn_S: Int64, own_BH: Int64, new_BK: Int64) -> npt.NDArray[np.bool_]:
    """[B, S] whether a drawn item stands among the entity's own or its positives already."""
    both = np.concatenate([own_BH, new_BK], axis=1)
    place = np.searchsorted(drawn_S, both)
    inside = (both >= 0) & (place < len(drawn_S))
    inside[inside] = drawn_S[place[inside]] == both[inside]
    taken = np.zeros((len(both), len(drawn_S)), bool)
    taken[np.nonzero(inside)[0], place[inside]] = True
    return taken
