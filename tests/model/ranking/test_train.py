"""A ranking learns habits and fashion together, so that it is above each alone, and says the same twice."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from model.artifact import read_artifact
from model.errors import UserError
from model.evaluate import read_evaluation
from model.labels.table import Lists
from model.predictions import predict, read_predictions
from model.ranking.evaluate import evaluate_ranking
from model.ranking.items import Own
from model.ranking.ranker import Reader, load_ranker, rank_rows
from model.ranking.train import RankSettings, _draw, _split, _taken, train_ranking
from tests.model.little_tables import day_ns
from tests.model.ranking.habits import NUM_ITEMS, NUM_USERS, SETTINGS, Habits, make_habits


@pytest.fixture(scope="module")
def habits(tmp_path_factory: pytest.TempPathFactory) -> Habits:
    return make_habits(tmp_path_factory.mktemp("habits"))


@pytest.fixture(scope="module")
def trained(habits: Habits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "ranking"
    train_ranking(habits.store, habits.table, habits.what, path, SETTINGS, table_digest="sha256:table")
    return path


def test_it_is_above_popular_and_repeated_items(habits: Habits, trained: Path, tmp_path: Path) -> None:
    artifact = evaluate_ranking(habits.store, habits.table, trained, tmp_path / "evaluation")
    quality, difference = artifact.metrics["quality"], artifact.metrics["difference"]
    assert artifact.metrics["metric"] == "map@5"
    for name in ("popular", "repeat"):
        assert difference[name]["low"] > 0, (name, quality)
    found = read_evaluation(tmp_path / "evaluation")
    assert found.quality["ranking"].value == pytest.approx(found.scores["ranking"].mean())
    assert np.isnan(found.fidelity)
    assert len(found.label) == len(habits.table.rows("test"))


def test_the_artifact_says_where_it_comes_from(habits: Habits, trained: Path) -> None:
    artifact = read_artifact(trained, kind="ranking", verify=True)
    assert artifact.parents == {"graph": habits.store.artifact.digest, "training_table": "sha256:table"}
    assert artifact.metrics["validation_map_5"] > 0.2
    assert not [file for file in trained.iterdir() if file.suffix in (".pt", ".pkl")]


def test_the_same_seed_gives_the_same_weights(habits: Habits, tmp_path: Path) -> None:
    short = replace(SETTINGS, max_rows=200, num_evaluations=1)
    digests = [
        train_ranking(habits.store, habits.table, habits.what, tmp_path / name, settings).digest
        for name, settings in (("a", short), ("b", short), ("c", replace(short, seed=1)))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_drawn_items_train_as_well(habits: Habits, tmp_path: Path) -> None:
    few = replace(SETTINGS, num_drawn=8)
    artifact = train_ranking(habits.store, habits.table, habits.what, tmp_path / "few", few)
    start = train_ranking(
        habits.store, habits.table, habits.what, tmp_path / "start", replace(few, learning_rate=1e-9)
    )  # fmt: skip
    assert artifact.metrics["validation_map_5"] > start.metrics["validation_map_5"] + 0.05


def test_the_chance_of_being_drawn_is_what_it_is(habits: Habits, trained: Path) -> None:
    reader, rng = Reader(habits.store, load_ranker(trained)), np.random.default_rng(0)
    counts, chance = np.zeros(NUM_ITEMS), np.full(NUM_ITEMS, np.nan)
    for _ in range(3000):
        drawn, log_chance = _draw(reader, day_ns(60), 10, rng)
        counts[drawn] += 1
        chance[drawn] = np.exp(log_chance)
    np.testing.assert_allclose(counts / 3000, chance, atol=0.05)
    everything, certain = _draw(reader, day_ns(60), NUM_ITEMS, rng)
    assert everything.tolist() == list(range(NUM_ITEMS))
    assert not certain.any()


def test_no_item_competes_twice() -> None:
    own = Own(
        items_BH=np.array([[4, 7], [2, -1]]),
        features_BHQ=np.zeros((2, 2, 1), np.float32),
        weights_BHW=np.zeros((2, 2, 1), np.float32),
    )
    positives = Lists(values=np.array([7, 9, 1]), offsets=np.array([0, 2, 3]))
    is_positive, new = _split(own, positives, 10)
    assert is_positive.tolist() == [[False, True], [False, False]]
    assert new.tolist() == [[9], [1]]
    taken = _taken(np.array([1, 2, 4, 9]), own.items_BH, new)
    assert taken.tolist() == [[False, False, True, True], [True, True, False, False]]


def test_rankings_come_back_in_order_and_hold_every_item_once(habits: Habits, trained: Path) -> None:
    ranker = load_ranker(trained)
    rows = np.array([5, 3, 5, 70])
    cutoffs = np.array([day_ns(90), day_ns(90), day_ns(90), day_ns(40)])
    best, scores = rank_rows(habits.store, ranker, rows, cutoffs, NUM_ITEMS + 3)
    assert (best[:, NUM_ITEMS:] == -1).all()
    assert [sorted(row) for row in best[:, :NUM_ITEMS].tolist()] == [list(range(NUM_ITEMS))] * 4
    assert (np.diff(scores[:, :NUM_ITEMS], axis=1) <= 0).all()
    np.testing.assert_array_equal(best[0], best[2])
    assert (best[0] != best[1]).any()
    alone, _ = rank_rows(habits.store, ranker, rows[3:], cutoffs[3:], 5)
    np.testing.assert_array_equal(alone[0], best[3, :5])
    assert rank_rows(habits.store, ranker, rows[:0], cutoffs[:0], 5)[0].shape == (0, 5)


def test_a_batch_for_everybody_is_a_row_for_each_place(habits: Habits, trained: Path, tmp_path: Path) -> None:
    artifact = predict(habits.store, trained, day_ns(100), tmp_path / "predictions")
    found = read_predictions(tmp_path / "predictions").to_pandas()
    assert artifact.metrics["count"] == NUM_USERS
    assert found.groupby("key").size().tolist() == [5] * NUM_USERS
    assert found["item"].str.match(r"i\d\d").all()
    assert set(found["rank"]) == {1, 2, 3, 4, 5}
    assert pq.read_schema(tmp_path / "predictions" / "predictions.parquet").names == ["key", "rank", "item", "score"]


def test_mistakes_are_named(habits: Habits, trained: Path, tmp_path: Path) -> None:
    only_train = replace(habits.table, split=np.full(len(habits.table), "train"))
    with pytest.raises(UserError, match="0 validation"):
        train_ranking(habits.store, only_train, habits.what, tmp_path / "d", SETTINGS)
    assert habits.table.lists is not None
    strange = np.array(["nowhere"] * len(habits.table.lists.values), dtype=np.object_)
    strangers = replace(habits.table, lists=replace(habits.table.lists, values=strange))
    with pytest.raises(UserError, match="`items` that the graph store does not have"):
        train_ranking(habits.store, strangers, habits.what, tmp_path / "d", SETTINGS)
    with pytest.raises(UserError, match="no test row"):
        evaluate_ranking(habits.store, only_train, trained, tmp_path / "e")
    with pytest.raises(UserError, match="num_drawn"):
        RankSettings(num_drawn=0)
    with pytest.raises(UserError, match="no ranking artifact"):
        load_ranker(tmp_path)
