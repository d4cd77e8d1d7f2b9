from pathlib import Path

import duckdb
import numpy as np
import pytest
import torch

from model.deep.network import DeepModel, DeepSettings, InputBuilder, num_parameters
from model.deep.sampler import SamplerSettings, plan_steps
from model.errors import UserError
from model.graph import Column, Graph, Link, SemanticType, Table
from model.store.row_features import FeatureSettings, fit_features
from model.store.store import GraphStore, build_store, open_store
from tests.model.small_shop import SmallTables, at_day, small_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> GraphStore:
    return small_store(tmp_path_factory.mktemp("deep") / "graph")


def _make(
    store: GraphStore, entity: str, settings: DeepSettings, fanouts: tuple[int, ...] = (6, 4)
) -> tuple[InputBuilder, DeepModel]:
    torch.manual_seed(1)
    features = fit_features(store, at_day(100), FeatureSettings())
    sampler = SamplerSettings(fanouts=fanouts)
    model = DeepModel(store.graph, plan_steps(store.graph, entity, sampler), features, settings)
    return InputBuilder(store, entity, features, sampler), model.eval()


SMALL = DeepSettings(width=16, num_layers=2, num_heads=2, feed_forward=32, embedding_dim=8)


@pytest.mark.parametrize("entity", ["customers", "articles", "transactions"])
def test_the_rest_of_the_batch_changes_nothing(store: GraphStore, entity: str) -> None:
    builder, model = _make(store, entity, SMALL, fanouts=(6, 4, 2))
    rows = np.arange(12)
    times = np.linspace(at_day(-1), at_day(90), 12).astype(np.int64)
    with torch.inference_mode():
        logit, embedding = model(builder.build(rows, times))
        assert logit.shape == (12,)
        assert embedding.shape == (12, 8)
        for b in range(12):
            one_logit, one_embedding = model(builder.build(rows[b : b + 1], times[b : b + 1]))
            torch.testing.assert_close(one_logit[0], logit[b])
            torch.testing.assert_close(one_embedding[0], embedding[b])


def test_no_rows(store: GraphStore) -> None:
    builder, model = _make(store, "customers", SMALL)
    logit, embedding = model(builder.build(np.zeros(0, np.int64), np.zeros(0, np.int64)))
    assert logit.shape == (0,)
    assert embedding.shape == (0, 8)


def test_an_article_two_hops_away_is_heard(store: GraphStore) -> None:
    builder, model = _make(store, "customers", SMALL)
    inputs = builder.build(np.arange(4), np.full(4, at_day(80)))
    base, _ = model(inputs)
    articles = inputs.steps[2]
    assert model.steps[2].table == "articles"
    assert len(articles.dense_TF) > 4
    articles.dense_TF.add_(1.0)
    moved, _ = model(inputs)
    assert not torch.allclose(base, moved)


def test_a_grandchild_knows_its_parent(tmp_path: Path) -> None:
    key = Column(name="id", semantic_type=SemanticType.ID, storage_type="BIGINT")
    boss = Column(name="boss", semantic_type=SemanticType.ID, storage_type="BIGINT")
    pay = Column(name="pay", semantic_type=SemanticType.NUMERICAL, storage_type="DOUBLE")
    people = Table(name="people", columns=(key, boss, pay), primary_key="id")
    link = Link(child_table="people", child_column="boss", parent_table="people")
    with duckdb.connect() as connection:
        rows = "(1, NULL, 9), (2, 1, 1), (3, 1, 5), (4, 2, 2), (5, 3, 2), (6, 3, 3)"
        connection.execute(f"CREATE TABLE people AS SELECT * FROM (VALUES {rows}) v(id, boss, pay)").fetchall()
        build_store(SmallTables(connection=connection, graph=Graph(tables=(people,), links=(link,))), tmp_path / "g")
    builder, model = _make(open_store(tmp_path / "g"), "people", SMALL)
    assert [(step.towards, step.source) for step in model.steps] == [
        ("seed", -1),
        ("parents", 0),
        ("children", 0),
        ("parents", 1),
        ("children", 1),
        ("children", 2),
    ]
    inputs = builder.build(np.arange(6), np.full(6, at_day(0)))
    base, _ = model(inputs)
    torch.autograd.backward(base[0])
    assert model.lift is not None
    assert model.lift.weight.grad is not None
    assert model.lift.weight.grad.abs().sum() > 0


def test_every_weight_learns(store: GraphStore) -> None:
    builder, model = _make(store, "transactions", SMALL, fanouts=(6, 4, 2))
    model.train()
    logit, _ = model(builder.build(np.arange(100, 164), np.full(64, at_day(80))))
    torch.autograd.backward(logit.square().sum())
    untouched = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # Of the last layer only the first token's answer counts, and a key's bias cancels in the softmax.
    assert [name for name in untouched if not name.endswith("key_value.bias")] == []


def test_the_default_is_big_enough_to_distil_from(store: GraphStore) -> None:
    _, model = _make(store, "customers", DeepSettings())
    assert num_parameters(model) >= 350_000


@pytest.mark.parametrize("wrong", [{"num_heads": 3}, {"width": 0, "num_heads": 1}, {"dropout": 1.0}])
def test_settings_are_checked(wrong: dict[str, int]) -> None:
    with pytest.raises(UserError, match="got"):
        DeepSettings(**wrong)
