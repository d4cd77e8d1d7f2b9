from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.artifact import read_artifact
from model.deep.boosted import MAX_OUTPUTS, Int64, can_grow, choose_share, mixture
from model.deep.network import DeepSettings
from model.deep.sampler import SamplerSettings
from model.deep.scores import load_deep, network_rows, score_rows
from model.deep.train import TrainSettings, entity_rows, train_deep
from model.errors import UserError
from model.labels.training_table import TrainingTable
from model.metrics import auroc
from model.store.store import GraphStore
from model.task import TaskHead
from tests.model.small_shop import TO_CUSTOMER, at_day, small_store

SETTINGS = TrainSettings(
    model=DeepSettings(width=16, num_heads=2, num_layers=1, feed_forward=16, embedding_dim=8),
    sampler=SamplerSettings(fanouts=(4, 2)),
    max_rows=200,
    num_evaluations=1,
)
NUM_CUSTOMERS = 200


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> GraphStore:
    path = tmp_path_factory.mktemp("boosted") / "graph"
    return small_store(path, num_customers=NUM_CUSTOMERS, num_transactions=4000)


@pytest.fixture(scope="module")
def table(store: GraphStore) -> TrainingTable:
    """Who bought more than the middle one up to the cut-off: a count tells it, a network of one step cannot."""
    times = [(day, "train") for day in (30, 40, 50)] + [(60, "validation"), (80, "test")]
    owner = store.parent_rows(TO_CUSTOMER)
    labels = []
    for day, _ in times:
        past = owner[(store.row_times("transactions") <= at_day(day)) & (owner >= 0)]
        counts = np.bincount(past, minlength=NUM_CUSTOMERS)
        labels.append(counts > np.median(counts))
    keys = store.keys("customers").astype(np.int64)
    return TrainingTable(
        entity_table="customers",
        entity=np.tile(keys, len(times)),
        cutoff_ns=np.repeat([at_day(day) for day, _ in times], NUM_CUSTOMERS),
        label=np.concatenate(labels).astype(np.float32),
        split=np.repeat([split for _, split in times], NUM_CUSTOMERS),
    )


@pytest.fixture(scope="module")
def trained(store: GraphStore, table: TrainingTable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "deep"
    train_deep(store, table, "binary", path, SETTINGS)
    return path


def test_trees_know_on_few_rows_what_the_network_does_not(
    store: GraphStore, table: TrainingTable, trained: Path
) -> None:
    metrics = read_artifact(trained, kind="deep").metrics
    assert metrics["trees_share"] > 0.6
    assert metrics["validation_loss"] < metrics["network_loss"]
    test = table.rows("test")
    deep, rows = load_deep(trained), entity_rows(store, table)[test]
    both, _ = score_rows(store, deep, rows, table.cutoff_ns[test])
    alone, _ = network_rows(store, deep, rows, table.cutoff_ns[test])
    label = table.label[test]
    assert float(auroc(label, both)) > max(0.95, float(auroc(label, alone)))


def test_the_answer_is_the_mixture_of_both(
    store: GraphStore, table: TrainingTable, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep, test = load_deep(trained), table.rows("test")
    rows, times = entity_rows(store, table)[test], table.cutoff_ns[test]
    assert deep.trees is not None
    alone, _ = network_rows(store, deep, rows, times)
    trees = deep.trees.score(deep.outlines(store).build(rows, times))
    both, embedding = score_rows(store, deep, rows, times)
    np.testing.assert_allclose(both, mixture(alone, trees, deep.trees.share), atol=1e-6)
    monkeypatch.setattr("model.deep.boosted._CHUNK_ROWS", 64)
    again, embedding_again = score_rows(store, deep, rows, times)
    np.testing.assert_array_equal(again, both)
    np.testing.assert_array_equal(embedding_again, embedding)
    assert score_rows(store, deep, rows[:0], times[:0])[0].shape == (0,)


def test_without_trees_the_network_answers_alone(store: GraphStore, table: TrainingTable, tmp_path: Path) -> None:
    train_deep(store, table, "binary", tmp_path / "deep", replace(SETTINGS, trees=False))
    deep = load_deep(tmp_path / "deep")
    assert deep.trees is None
    rows = np.arange(NUM_CUSTOMERS)
    np.testing.assert_array_equal(
        score_rows(store, deep, rows, at_day(80))[0], network_rows(store, deep, rows, at_day(80))[0]
    )
    assert "trees_share" not in read_artifact(tmp_path / "deep", kind="deep").metrics


def test_trees_that_cannot_be_read_are_named(store: GraphStore, table: TrainingTable, tmp_path: Path) -> None:
    train_deep(store, table, "binary", tmp_path / "deep", SETTINGS)
    (tmp_path / "deep" / "trees-0.txt").write_text("no trees")
    with pytest.raises(UserError, match="trees"):
        load_deep(tmp_path / "deep")


def test_a_share_leaves_the_half_only_for_what_is_sure() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=2000)
    noise -= noise.mean()

    def lost(best: float, sure: float, share: float, rows: Int64) -> float:
        return float((sure * (share - best) ** 2 + (share - best) * noise[rows]).mean())

    assert choose_share(lambda share, rows: lost(0.9, 100.0, share, rows), 2000, rng) == 0.9
    assert choose_share(lambda share, rows: lost(0.9, 0.001, share, rows), 2000, rng) == 0.5
    assert 0.5 < choose_share(lambda share, rows: lost(0.9, 0.1, share, rows), 2000, rng) < 0.9


def test_only_tasks_with_few_outputs_get_trees() -> None:
    assert can_grow(TaskHead(kind="binary"))
    assert can_grow(TaskHead(kind="multiclass", classes=("a", "b")))
    assert not can_grow(TaskHead(kind="multiclass", classes=("a",)))
    assert can_grow(TaskHead(kind="forecast", num_timeframes=MAX_OUTPUTS))
    assert not can_grow(TaskHead(kind="multilabel", classes=tuple(range(MAX_OUTPUTS + 1))))
