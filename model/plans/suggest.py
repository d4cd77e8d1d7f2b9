"""Tables, a query and its labelled rows -> plans with reasons. The command line trains by the same ones."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from model.deep.boosted import can_grow
from model.deep.few_rows import suited
from model.deep.network import num_parameters
from model.deep.scores import load_deep
from model.deep.train import TrainSettings
from model.distilled.distill import MAX_SHARE_OF_PARAMETERS, DistillSettings, hidden_columns
from model.distilled.network import DistilledModel, NetworkSettings, input_shape
from model.distilled.rows import fit_request_features
from model.labels.plan import TrainingPlan, suggest_plan
from model.labels.training_table import TrainingTable
from model.plans.plan import DistillationPlan, DistilledModelPlan, ModelPlan
from model.quality import main_metric
from model.query import BoundQuery
from model.query.bound import trainable
from model.ranking.items import ranked
from model.ranking.train import RankSettings
from model.store.history import history_links, link_path_name
from model.store.row_features import FeatureSettings
from model.store.store import GraphStore
from model.tables.database import Database
from model.task import task_head

NETWORKS = (
    NetworkSettings(),
    NetworkSettings(width=16, feedforward=32, category_dim=2),
    NetworkSettings(width=8, feedforward=16, num_heads=2, category_dim=2),
    NetworkSettings(width=8, num_layers=1, feedforward=8, num_heads=2, category_dim=1),
)
"""Of the distilled model, largest first: the first that is small enough is suggested."""

RANKING_PASSES = 10
"""Most passes of a ranking over its rows: more teach a small table nothing, and take minutes."""


def suggest_training_table_plan(database: Database, bound: BoundQuery) -> TrainingPlan:
    """Which cut-offs train, validate and test; `model.labels.plan.suggest_plan` takes what the user states."""
    return suggest_plan(database, bound)


def suggest_model_plan(store: GraphStore, bound: BoundQuery, table: TrainingTable, *, seed: int = 0) -> ModelPlan:
    """How to train the model that the query's task asks for."""
    num_rows = len(table.rows("train"))
    hidden = tuple(f"{name}.{column}" for name, column in bound.hidden_columns)
    features = FeatureSettings(hidden=hidden)
    reasons = [f"task {bound.task}: inferred from the query's target"]
    if hidden:
        reasons.append(f"hidden: {', '.join(hidden)} would give the label away")
    settings: TrainSettings | RankSettings
    if bound.task == "link":
        what = ranked(bound, store)
        settings = RankSettings(features=features, seed=seed)
        settings = replace(settings, max_rows=min(settings.max_rows, RANKING_PASSES * max(num_rows, 1)))
        reasons += [
            f"{what.item_table} are ranked for {what.entity_table} by rows of {what.to_item.child_table}; the best "
            f"{what.top} are judged by MAP@{what.top}",
            f"{settings.num_drawn} of {store.num_rows(what.item_table):,} items compete in a batch"
            if store.num_rows(what.item_table) > settings.num_drawn
            else f"all {store.num_rows(what.item_table):,} items compete in every batch",
        ]
        reasons.append(_visits(settings.max_rows, num_rows))
        return ModelPlan(task=bound.task, settings=settings, ranked=what, reasons=tuple(reasons))
    settings, few = suited(TrainSettings(features=features, seed=seed), num_rows)
    reasons += [few] if few else []
    reasons += [
        _visits(settings.max_rows, num_rows),
        f"weights are chosen on {min(len(table.rows('validation')), settings.max_validation_rows):,} validation rows, "
        f"{settings.num_evaluations} times; models are compared by {main_metric(trainable(bound.task))[0]}",
    ]
    reasons.append(
        "trees on outlines of the same rows are mixed in, as the validation rows choose: few rows are theirs, many the "
        "network's"
        if can_grow(task_head(trainable(bound.task), table))
        else "no trees beside the network: the answer has too many numbers"
    )
    return ModelPlan(task=bound.task, settings=settings, reasons=tuple(reasons))


def suggest_distilled_model_plan(
    store: GraphStore, table: TrainingTable, base: Path, *, seed: int = 0
) -> DistilledModelPlan:
    """How to distil the deep model at `base`: the largest of `NETWORKS` that has a tenth of its parameters.

    Raises:
        UserError: no deep model there.
    """
    deep = load_deep(base)
    settings = DistillSettings(seed=seed)
    requests, seen = settings.requests, replace(settings.features, hidden=hidden_columns(base))
    upto_ns = int(table.cutoff_ns[table.rows("train")].max())
    features = fit_request_features(store, table.entity_table, upto_ns, seen, requests)
    shape = input_shape(features, deep.model.settings.embedding_dim)
    sizes = {one: DistilledModel(shape, one, deep.head.shape).num_parameters() for one in NETWORKS}
    most = int(num_parameters(deep.model) * MAX_SHARE_OF_PARAMETERS)
    network = next((one for one in NETWORKS if sizes[one] <= most), NETWORKS[-1])
    paths: Mapping[str, int] = {
        name: requests.most_rows(name)
        for name in (link_path_name(store, link) for link in history_links(store, table.entity_table))
    }
    key = store.graph.table(table.entity_table).primary_key
    lag = f"{requests.min_embedding_offset_hours:g} hours to {requests.max_embedding_offset_days:g} days"
    reasons = (
        f"width {network.width}, {network.num_layers} layers: {sizes[network]:,} parameters; the deep model has "
        f"{num_parameters(deep.model):,}, and a tenth of them are allowed",
        f"embeddings {lag} old in training, as a daily batch job leaves them",
        f"interactions of the last {requests.real_time_offset_hours:g} hours have not arrived; the newest "
        f"{requests.max_interactions} of each history are kept",
        f"{settings.loop.epochs} passes over at most {settings.max_train_rows:,} of {len(table.rows('train')):,} "
        "training rows; the pass that is best on validation labels is kept",
    )
    return DistilledModelPlan(
        base=deep.digest,
        settings=replace(settings, network=network),
        distillation=DistillationPlan(
            embedding_keys=(f"{table.entity_table}.{key}",),
            min_embedding_offset_hours=requests.min_embedding_offset_hours,
            max_embedding_offset_days=requests.max_embedding_offset_days,
            real_time_offset_hours=requests.real_time_offset_hours,
            real_time_interactions=paths,
        ),
        reasons=reasons,
    )


def _visits(max_rows: int, num_rows: int) -> str:
    passes = max_rows / max(num_rows, 1)
    return f"{max_rows:,} visits of {num_rows:,} training rows: {passes:.1f} passes, fewer where validation stops them"
