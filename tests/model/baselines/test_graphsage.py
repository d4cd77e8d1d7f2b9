"""GraphSAGE: the graph of a batch is what the sampler found, one row is scored as among many, and it learns."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model.baselines.graphsage import GraphSage, SageBatches, SageSettings, edge_type
from model.baselines.train_graphsage import train_graphsage
from model.deep.sampler import SamplerSettings
from model.labels.training_table import TrainingTable
from model.metrics import auroc, mae
from model.query import BoundQuery, bind_query, parse_query
from model.store.row_features import FeatureSettings, fit_features
from model.store.store import GraphStore
from tests.model.small_shop import GRAPH, TO_ARTICLE, TO_CUSTOMER, at_day
from tests.model.taught import Taught, make_taught

SMALL = SageSettings(channels=16, num_blocks=1, sampler=SamplerSettings(fanouts=(8, 4)), batch_rows=128)


def bound(target: str) -> BoundQuery:
    return bind_query(parse_query(f"PREDICT {target} FOR EACH customers.id"), GRAPH)


BINARY, NUMBER = bound("COUNT(transactions.*, 0, 2, days) = 0"), bound("SUM(transactions.price, 0, 10, days)")


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    return make_taught(tmp_path_factory.mktemp("sage"))


def batches(store: GraphStore) -> SageBatches:
    features = fit_features(store, at_day(60), FeatureSettings())
    return SageBatches(store, "customers", features, SMALL.sampler)


def test_edges_lead_from_rows_to_what_they_belong_to(taught: Taught) -> None:
    store, made = taught.store, batches(taught.store)
    rows, times = np.arange(5), np.full(5, at_day(50))
    batch = made.build(rows, times)
    steps = made.sampler.steps
    assert {step.table for step in steps} == {"customers", "transactions", "articles"}
    near = store.children(TO_CUSTOMER)
    to_seed = batch.edges[edge_type(steps, next(i for i, s in enumerate(steps) if s.link == TO_CUSTOMER))]
    for seed in rows.tolist():
        child_times = near.child_times[near.indptr[seed] : near.indptr[seed + 1]]
        expected = min(8, int((child_times <= at_day(50)).sum()))
        assert int((to_seed[1] == seed).sum()) == expected
    for (source, _, target), edges in batch.edges.items():
        assert (edges[0] < len(batch.dense[source])).all()
        assert (edges[1] < len(batch.dense[target])).all()
    assert all((age >= 0).all() for table, age in batch.age_days.items() if table != "customers")
    assert any(step.link == TO_ARTICLE for step in steps)


def test_a_row_is_scored_alone_as_among_many(taught: Taught) -> None:
    made = batches(taught.store)
    torch.manual_seed(0)
    features = fit_features(taught.store, at_day(60), FeatureSettings())
    model = GraphSage(taught.store.graph, made.sampler.steps, features, SMALL).eval()
    rows, times = np.arange(20), np.full(20, at_day(50))
    with torch.inference_mode():
        together = model(made.build(rows, times))
        alone = torch.cat([model(made.build(rows[i : i + 1], times[i : i + 1])) for i in range(20)])
        nothing = model(made.build(rows[:0], times[:0]))
    assert torch.allclose(together, alone, atol=1e-5)
    assert nothing.shape == (0,)


def test_it_learns_chances_the_same_way_twice(taught: Taught) -> None:
    rows = taught.table.rows("test")

    def scores() -> np.ndarray:
        sage = train_graphsage(taught.store, taught.table, BINARY, row_visits=10_000, seed=3, settings=SMALL)
        return sage.score(taught.store, taught.table, rows)

    first = scores()
    assert ((first > 0) & (first < 1)).all()
    assert auroc(taught.table.label[rows], first) > 0.6
    assert np.array_equal(first, scores())


def test_it_learns_values_within_the_range_of_training(tmp_path: Path) -> None:
    taught = make_taught(tmp_path, "regression")
    table: TrainingTable = taught.table
    rows = table.rows("test")
    sage = train_graphsage(taught.store, table, NUMBER, row_visits=10_000, seed=0, settings=SMALL)
    found, train = sage.score(taught.store, table, rows), table.label[table.rows("train")]
    low, high = np.percentile(train, [2, 98])
    assert low <= found.min() <= found.max() <= high
    assert mae(table.label[rows], found) < mae(table.label[rows], np.full(len(rows), np.median(train)))
