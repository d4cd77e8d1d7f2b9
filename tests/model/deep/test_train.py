from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from model.artifact import read_artifact
from model.deep.network import DeepSettings
from model.deep.sampler import SamplerSettings
from model.deep.scores import Deep, Float32, Int64, load_deep, make_deep, network_rows, score_rows
from model.deep.train import TrainSettings, entity_rows, train_deep
from model.errors import UserError
from model.labels.training_table import TrainingTable
from model.metrics import auroc
from model.store.row_features import FeatureSettings, fit_features
from model.store.store import NEVER, GraphStore, build_store, open_store
from model.task import TaskHead
from tests.model.small_shop import DAY_NS, TO_CUSTOMER, at_day, small_store, small_tables

SETTINGS = TrainSettings(
    model=DeepSettings(width=32, num_heads=2, feed_forward=64, embedding_dim=8),
    sampler=SamplerSettings(fanouts=(8, 4)),
    max_rows=8000,
    learning_rate=4e-3,
    batch_rows=64,
    num_evaluations=3,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> GraphStore:
    return small_store(tmp_path_factory.mktemp("train") / "graph", num_customers=120, num_transactions=3000)


@pytest.fixture(scope="module")
def table(store: GraphStore) -> TrainingTable:
    """Will the customer buy nothing in the next ten days? The frequent come back, so the past tells."""
    near, rows, times, labels, splits = store.children(TO_CUSTOMER), [], [], [], []
    owner = np.repeat(np.arange(store.num_rows("customers")), np.diff(near.indptr))
    for day, split in [*((day, "train") for day in range(10, 71, 5)), (80, "validation"), (90, "test")]:
        after = (near.child_times > at_day(day)) & (near.child_times <= at_day(day + 10))
        labels.append(~np.isin(np.arange(store.num_rows("customers")), owner[after]))
        rows.append(np.arange(store.num_rows("customers")))
        times.append(np.full(store.num_rows("customers"), at_day(day)))
        splits.append(np.full(store.num_rows("customers"), split))
    return TrainingTable(
        entity_table="customers",
        entity=store.keys("customers")[np.concatenate(rows)].astype(np.int64),
        cutoff_ns=np.concatenate(times),
        label=np.concatenate(labels).astype(np.float32),
        split=np.concatenate(splits),
    )


@pytest.fixture(scope="module")
def trained(store: GraphStore, table: TrainingTable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "deep"
    train_deep(store, table, "binary", path, SETTINGS, table_digest="sha256:table")
    return path


def _scores(store: GraphStore, deep: Deep, table: TrainingTable, part: Int64) -> Float32:
    logit, _ = score_rows(store, deep, entity_rows(store, table)[part], table.cutoff_ns[part])
    return logit


def test_it_learns_who_comes_back(store: GraphStore, table: TrainingTable, trained: Path) -> None:
    test = table.rows("test")
    value = float(auroc(table.label[test], _scores(store, load_deep(trained), table, test)))
    assert value > 0.6


def test_the_artifact_says_where_it_comes_from(store: GraphStore, trained: Path) -> None:
    artifact = read_artifact(trained, kind="deep", verify=True)
    assert artifact.parents == {"graph": store.artifact.digest, "training_table": "sha256:table"}
    assert artifact.metrics["rows_seen"] <= SETTINGS.max_rows
    assert 0.5 < artifact.metrics["validation_auroc"] <= 1
    assert not [file for file in trained.iterdir() if file.suffix in (".pt", ".pkl")]
    assert load_deep(trained).digest == artifact.digest


def test_the_same_seed_gives_the_same_weights(store: GraphStore, table: TrainingTable, tmp_path: Path) -> None:
    short = replace(SETTINGS, max_rows=300, num_evaluations=1)
    digests = [train_deep(store, table, "binary", tmp_path / f"{i}", short).digest for i in range(2)]
    assert digests[0] == digests[1]
    other = train_deep(store, table, "binary", tmp_path / "other", replace(short, seed=1))
    assert other.digest != digests[0]


def test_the_kept_weights_are_an_average(store: GraphStore, table: TrainingTable, tmp_path: Path) -> None:
    one_step = replace(SETTINGS, max_rows=64, num_evaluations=1)
    last, little, early = (
        load_file(train_deep(store, table, "binary", tmp_path / f"{decay}", setting).path / "weights.safetensors")
        for decay in (0.0, 0.05, 0.99)
        for setting in (replace(one_step, average_decay=decay),)
    )
    name = "head.2.weight"
    # After one step: (1 - decay) of the way from the start to the new weights; the first decay is at most 1 / 11.
    assert (little[name] - last[name]).abs().max() > 1e-6
    torch.testing.assert_close(
        (early[name] - last[name]) * 0.05, (little[name] - last[name]) / 11, rtol=0.02, atol=1e-7
    )


def test_rows_after_the_cutoff_change_no_score(
    store: GraphStore, table: TrainingTable, trained: Path, tmp_path: Path
) -> None:
    deep = load_deep(trained)
    tables = small_tables(num_customers=120, num_transactions=3000)
    with tables.connection as connection:
        connection.execute(f"DELETE FROM transactions WHERE epoch_ns(t) > {at_day(80)}").fetchall()
        connection.execute(
            f"""INSERT INTO transactions SELECT 10000 + i, make_timestamp_ns({at_day(80)} + 1000000000), 1000 + 7 * i,
            'ärt-1', 1e6, 0 FROM range(100) r(i)"""
        ).fetchall()
        build_store(tables, tmp_path / "graph")
    planted = open_store(tmp_path / "graph")
    keys = store.keys("customers")
    now, _ = score_rows(store, deep, store.rows_of("customers", keys), at_day(80))
    then, _ = score_rows(planted, deep, planted.rows_of("customers", keys), at_day(80))
    np.testing.assert_array_equal(now, then)
    later, _ = score_rows(planted, deep, planted.rows_of("customers", keys), at_day(80) + 10**9)
    assert (later != then).sum() > 50


def test_scores_come_back_in_the_order_of_the_rows(store: GraphStore, trained: Path) -> None:
    deep, rng = load_deep(trained), np.random.default_rng(0)
    rows, times = rng.integers(120, size=700), rng.integers(at_day(0), at_day(99), size=700)
    logit, embedding = score_rows(store, deep, rows, times)
    order = rng.permutation(700)
    again, embedding_again = score_rows(store, deep, rows[order], times[order])
    np.testing.assert_allclose(again, logit[order], atol=1e-5)
    np.testing.assert_allclose(embedding_again, embedding[order], atol=1e-5)
    nothing, none = score_rows(store, deep, rows[:0], at_day(3))
    assert nothing.shape == (0,)
    assert none.shape == (0, 8)


def test_a_regression_answers_in_the_units_of_its_label(
    store: GraphStore, table: TrainingTable, tmp_path: Path
) -> None:
    near = store.children(TO_CUSTOMER)
    owner = np.repeat(np.arange(120), np.diff(near.indptr))
    label = np.zeros(len(table), dtype=np.float32)
    for i, (row, cutoff) in enumerate(zip(entity_rows(store, table), table.cutoff_ns, strict=True)):
        times = near.child_times[owner == row]
        label[i] = 1000 + 50 * ((times > cutoff) & (times <= cutoff + 10 * DAY_NS)).sum()
    counts = replace(table, label=label)
    train_deep(store, counts, "regression", tmp_path / "deep", SETTINGS)
    test = counts.rows("test")
    value = _scores(store, load_deep(tmp_path / "deep"), counts, test)
    error = np.abs(value - counts.label[test]).mean()
    assert error < 0.9 * np.abs(counts.label[counts.rows("train")].mean() - counts.label[test]).mean()


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (TaskHead(kind="regression", mean=10, std=40, low=0, high=100), (0.25, -0.25)),
        (TaskHead(kind="forecast", num_timeframes=2, mean=10, std=40, low=0, high=100), (0.25, -0.25)),
        (TaskHead(kind="regression", mean=13, std=7, low=1, high=23), None),
        (TaskHead(kind="regression", mean=10, std=40, low=-1, high=100), None),
        (TaskHead(kind="binary"), None),
    ],
)
def test_amounts_of_many_magnitudes_are_bent(
    store: GraphStore, head: TaskHead, expected: tuple[float, float] | None
) -> None:
    torch.manual_seed(0)
    features = fit_features(store, at_day(60), FeatureSettings())
    deep = make_deep(store, features, SETTINGS.sampler, SETTINGS.model, entity_table="customers", head=head)
    assert deep.model.bend == expected
    last = deep.model.head[-1]
    assert isinstance(last, torch.nn.Linear)
    rows = np.arange(5)
    with torch.no_grad():
        last.weight.zero_()
        last.bias.fill_(1000.0)
    value, _ = network_rows(store, deep, rows, at_day(80))
    assert np.isfinite(value).all()
    assert (value > 1e5).all() == (expected is not None)


def test_hidden_columns_stay_hidden(store: GraphStore, table: TrainingTable, tmp_path: Path) -> None:
    hidden = FeatureSettings(hidden=("transactions.price",))
    settings = replace(SETTINGS, max_rows=64, num_evaluations=1, features=hidden)
    train_deep(store, table, "binary", tmp_path / "deep", settings)
    assert "price" not in (tmp_path / "deep" / "features.json").read_text()


def test_training_stops_when_validation_gets_no_better(store: GraphStore, table: TrainingTable, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).random(len(table)) < 0.5
    hopeless = replace(table, label=noise.astype(np.float32))
    steps: list[float] = []
    settings = replace(SETTINGS, max_rows=30_000, num_evaluations=30, patience=1)
    train_deep(store, hopeless, "binary", tmp_path / "d", settings, lambda done, total: steps.append(done / total))
    assert len(steps) < 30_000 // 64
    assert steps == sorted(steps)
    assert steps[-1] == 1


def test_mistakes_are_named(store: GraphStore, table: TrainingTable, trained: Path, tmp_path: Path) -> None:
    only_train = replace(table, split=np.full(len(table), "train"))
    with pytest.raises(UserError, match="0 validation"):
        train_deep(store, only_train, "binary", tmp_path / "d", SETTINGS)
    strangers = replace(table, entity=table.entity + 1)
    with pytest.raises(UserError, match="does not have"):
        train_deep(store, strangers, "binary", tmp_path / "d", SETTINGS)
    with pytest.raises(UserError, match="no deep artifact"):
        load_deep(tmp_path)
    foreign = GraphStore(store.artifact)
    foreign.graph = store.graph.model_copy(update={"links": store.graph.links[:-1]})
    with pytest.raises(UserError, match="trained on other tables"):
        score_rows(foreign, load_deep(trained), np.zeros(1, np.int64), NEVER)
    with pytest.raises(UserError, match="max_rows"):
        TrainSettings(max_rows=0)
    with pytest.raises(UserError, match="learning_rate"):
        TrainSettings(learning_rate=0)
