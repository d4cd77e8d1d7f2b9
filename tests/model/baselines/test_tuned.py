"""Tuning takes what is best on the validation rows, and no more."""

import numpy as np

from model.baselines.feature_table import Features
from model.baselines.trees import TreeSettings, fit_trees
from model.baselines.tuned import KNOBS, Tuned, tune
from model.labels.training_table import TrainingTable
from model.query import bind_query, parse_query
from tests.model.small_shop import GRAPH

BOUND = bind_query(parse_query("PREDICT COUNT(transactions.*, 0, 5, days) = 0 FOR EACH customers.id"), GRAPH)
RNG = np.random.default_rng(3)
SIGNAL = RNG.normal(size=1200)
TABLE = TrainingTable(
    entity_table="customers",
    entity=np.arange(1200),
    cutoff_ns=np.zeros(1200, np.int64),
    label=(SIGNAL + RNG.normal(0, 0.5, 1200) > 0).astype(np.float32),
    split=np.repeat(np.array(["train", "validation", "test"], np.str_), 400),
)


def features(*columns: np.ndarray) -> Features:
    return Features(
        names=tuple(f"f{n}" for n in range(len(columns))),
        values_RF=np.stack(columns, axis=1).astype(np.float32),
        categorical=(),
    )


NOISE, KNOWN = features(RNG.normal(size=1200)), features(SIGNAL, RNG.normal(size=1200))


def test_the_features_that_know_something_are_chosen() -> None:
    told: list[tuple[int, int]] = []
    found = tune({"noise": NOISE, "known": KNOWN}, TABLE, BOUND, lambda done, total: told.append((done, total)))
    assert found.features == "known"
    assert found.num_tried == 2 + sum(len(values) for _, values in KNOBS) == told[-1][0] == told[-1][1]
    assert found.validation_loss <= fit_trees(KNOWN, TABLE, BOUND, TreeSettings()).validation_loss
    assert found.validation_loss == fit_trees(KNOWN, TABLE, BOUND, found.settings).validation_loss
    assert Tuned.from_json(found.to_json()) == found


def test_no_feature_at_all_gives_the_base_rate() -> None:
    nothing = Features(names=(), values_RF=np.empty((1200, 0), np.float32), categorical=())
    scores = fit_trees(nothing, TABLE, BOUND, TreeSettings()).score(nothing)
    assert scores.tolist() == [scores[0]] * 1200
    assert abs(scores[0] - TABLE.label[TABLE.rows("train")].mean()) < 0.01
