"""Every task that the query language infers, from tables to the answers of an exported repository."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model.artifact import read_artifact
from model.deep.embed import embed
from model.deep.network import DeepSettings
from model.deep.sampler import SamplerSettings
from model.deep.scores import load_deep
from model.deep.train import TrainSettings, train_deep
from model.distilled.distill import DistillSettings, distill
from model.distilled.loop import LoopSettings
from model.distilled.network import NetworkSettings
from model.distilled.scores import load_distilled
from model.distilled.staleness import measure
from model.evaluate import Models, evaluate, read_evaluation
from model.export import ExportSettings, export_repository
from model.labels.training_table import build_training_table, suggest_plan
from model.query import bind_query, parse_query
from model.query.bound import trainable
from model.served.predictor import Predictor
from model.store.store import build_store, open_store
from model.tables.database import open_database
from tests.model.little_tables import day, write_tables

TASKS = {
    "multiclass": "LAST(orders.colour, 0, 14)",
    "multilabel": "LIST_DISTINCT(orders.colour, 0, 14)",
    "regression": "SUM(orders.price, 0, 14)",
    "forecast": "SUM(orders.price, 0, 5) FORECAST 3 TIMEFRAMES",
}
COLOURS = np.array(["blue", "green", "red"])
NUM_USERS = 60
DEEP = TrainSettings(
    model=DeepSettings(width=32, num_layers=1, num_heads=2, feed_forward=64, embedding_dim=16),
    sampler=SamplerSettings(fanouts=(8,)),
    max_rows=6000,
    learning_rate=4e-3,
    batch_rows=64,
    num_evaluations=2,
)
STUDENT = DistillSettings(
    network=NetworkSettings(width=8, num_layers=1, num_heads=2, feedforward=8, category_dim=2),
    loop=LoopSettings(epochs=3, batch_rows=64, learning_rate=1e-2),
)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Users order every two to twenty days, mostly in a colour of their own, at a price of their own."""
    rng = np.random.default_rng(2)
    user, placed, colour, price = [], [], [], []
    for number in range(NUM_USERS):
        times = np.cumsum(rng.exponential(2 + 18 * (number % 3) / 2, 80))
        times = times[times < 150]
        user += [number] * len(times)
        placed += [day(float(time)) for time in times]
        own = rng.random(len(times)) < 0.8
        colour += np.where(own, COLOURS[number % 3], rng.choice(COLOURS, len(times))).tolist()
        price += (10 * (1 + number % 5) + rng.random(len(times))).tolist()
    return write_tables(
        tmp_path_factory.mktemp("shop") / "tables",
        users={"user_id": list(range(NUM_USERS)), "town": ["Lyon", "Metz"] * (NUM_USERS // 2)},
        orders={
            "order_id": list(range(len(user))), "user_id": user, "placed": placed, "colour": colour, "price": price,
        },
    )  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_a_task_goes_the_whole_line(task: str, tables: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    with open_database(tables) as database:
        build_store(database, tmp_path / "graph")
        store = open_store(tmp_path / "graph")
        bound = bind_query(parse_query(f"PREDICT {TASKS[task]} FOR EACH users.user_id"), database.graph)
        assert bound.task == task
        table = build_training_table(database, bound, suggest_plan(database, bound))
        train_deep(store, table, trainable(bound.task), tmp_path / "deep", DEEP)
        distill(store, table, tmp_path / "deep", tmp_path / "distilled", STUDENT)
        models = Models(deep=tmp_path / "deep", distilled=tmp_path / "distilled")
        evaluate(database, store, bound, table, models, tmp_path / "evaluation")
    deep, distilled = load_deep(tmp_path / "deep"), load_distilled(tmp_path / "distilled")
    assert distilled.head == deep.head
    report = measure(store, table, deep, distilled, table.rows("test"))
    found = read_evaluation(tmp_path / "evaluation")
    assert found.metric == report.metric
    sign = -1 if found.metric == "mae" else 1
    for model in ("deep", "distilled", "lightgbm_dfs"):
        assert found.scores[model].shape == (len(found.label), *deep.head.shape)
        assert sign * found.quality[model].value > sign * report.base, model
    assert report.teacher[found.metric] == pytest.approx(found.quality["deep"].value)

    embed(store, tmp_path / "deep", store.last_time_ns, tmp_path / "embeddings")
    graph, out = store.graph, tmp_path / "out"
    export_repository(
        tmp_path / "distilled", tmp_path / "embeddings", out, graph=graph, model_name="shop",
        settings=ExportSettings(engine="auto"),
    )  # fmt: skip
    engine = read_artifact(out, kind="triton_repository").metrics["engine"]
    assert engine == ("compiled" if task == "regression" else "numpy")
    (num_scores,) = deep.head.shape or (1,)
    config = (out / "shop" / "config.pbtxt").read_text()
    assert f'"score" data_type: TYPE_FP32 dims: [ {num_scores} ]' in config
    predictor = Predictor.open(out / "shop" / "1")
    assert predictor.contract["classes"] == list(deep.head.classes)
    embeddings = predictor.open_embeddings(out / "shop" / "1" / "embeddings")
    scores, _ = predictor.predict(predictor.warm_up_requests(), embeddings)
    assert scores.shape == (65, *deep.head.shape)
    assert np.isfinite(scores).all()
