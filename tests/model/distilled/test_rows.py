import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.distilled.network import input_shape
from model.distilled.rows import InputBatches, RequestSettings, fit_request_features, request_inputs
from model.served.features import TableFeatures
from model.served.inputs import Inputs
from model.served.predictor import ENTITY
from model.store.row_features import FeatureSettings
from model.store.store import GraphStore
from tests.model.distilled_inputs import random_inputs
from tests.model.small_shop import TO_CUSTOMER, at_day, small_store

PATH = "customers.id->transactions.customer"
HOUR_NS = 3_600 * 10**9


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> GraphStore:
    return small_store(tmp_path_factory.mktemp("store") / "graph")


@pytest.fixture(scope="module")
def features(store: GraphStore) -> dict[str, TableFeatures]:
    return fit_request_features(store, "customers", at_day(60), FeatureSettings(include_links=True), RequestSettings())


def inputs_at(store: GraphStore, features: dict[str, TableFeatures], anchor_ns: int, offset_hours: float) -> Inputs:
    rows = np.arange(store.num_rows("customers"))
    anchors_ns = np.full(len(rows), anchor_ns)
    requests = RequestSettings(real_time_offset_hours=offset_hours, max_interactions=4)
    return request_inputs(
        store, features, rows, anchors_ns, np.zeros((len(rows), 3), np.float32), anchors_ns - HOUR_NS, requests
    )


def test_a_history_has_the_foreign_keys_but_the_one_to_the_entity(features: dict[str, TableFeatures]) -> None:
    assert list(features) == [ENTITY, PATH]
    assert features[ENTITY].columns == ("age", "joined", "club", "member")
    assert features[PATH].columns == ("price", "channel", "article")


def test_embedding_times_lie_log_uniformly_between_the_offsets() -> None:
    anchor_ns = np.full(4000, at_day(50))
    hours = (anchor_ns - RequestSettings().sample_embedding_times(anchor_ns, seed=1)) / HOUR_NS
    assert hours.min() >= 11.99
    assert hours.max() <= 14 * 24
    middle = np.sqrt(12 * 14 * 24)
    assert 0.45 < (hours < middle).mean() < 0.55


def test_rows_of_the_last_hour_have_not_arrived(store: GraphStore, features: dict[str, TableFeatures]) -> None:
    anchor_ns = int(store.row_times("transactions")[300])
    (now,), (later,) = (inputs_at(store, features, anchor_ns, hours).histories for hours in (0.0, 1.0))
    assert now.age_days_R.min() == 0
    assert later.age_days_R.min() >= np.float32(1 / 24)


def test_at_most_the_newest_rows_at_or_before_the_anchor(store: GraphStore, features: dict[str, TableFeatures]) -> None:
    (rows,) = inputs_at(store, features, at_day(60), 0.0).histories
    parents = np.asarray(store.parent_rows(TO_CUSTOMER))
    times = store.row_times("transactions")
    for row in range(store.num_rows("customers")):
        mine = times[(parents == row) & (times <= at_day(60))][-4:]
        ages_days = ((at_day(60) - mine) / (24 * HOUR_NS)).astype(np.float32)
        np.testing.assert_array_equal(rows.age_days_R[rows.owner_R == row], ages_days)


def test_the_shape_is_that_of_the_inputs(store: GraphStore, features: dict[str, TableFeatures]) -> None:
    inputs = inputs_at(store, features, at_day(60), 1.0)
    shape = input_shape(features, 3)
    assert shape.entity.num_dense == inputs.facts_BF.shape[1]
    assert len(shape.entity.vocabulary) == inputs.codes_BC.shape[1]
    (history,), (rows,) = shape.histories, inputs.histories
    assert history.num_dense == rows.dense_RF.shape[1]
    assert len(history.vocabulary) == rows.codes_RC.shape[1]
    assert (rows.codes_RC.max(axis=0) < history.vocabulary).all()


@given(seed=st.integers(0, 99), index=st.lists(st.integers(0, 11), max_size=20))
def test_a_batch_holds_the_rows_asked_for(seed: int, index: list[int]) -> None:
    inputs = random_inputs(seed, 12, 5)
    batch = InputBatches(inputs).take(np.array(index, np.int64))
    np.testing.assert_array_equal(batch.facts_BF, inputs.facts_BF[index])
    for taken, rows in zip(batch.histories, inputs.histories, strict=True):
        for place, asked in enumerate(index):
            np.testing.assert_array_equal(
                taken.age_days_R[taken.owner_R == place], rows.age_days_R[rows.owner_R == asked]
            )
            np.testing.assert_array_equal(taken.codes_RC[taken.owner_R == place], rows.codes_RC[rows.owner_R == asked])


def test_hidden_histories_are_as_if_the_request_carried_none(
    store: GraphStore, features: dict[str, TableFeatures]
) -> None:
    rows, anchor_ns, embedding_RE = np.arange(8), np.full(8, at_day(70)), np.ones((8, 3), np.float32)

    def inputs(settings: RequestSettings) -> Inputs:
        return request_inputs(store, features, rows, anchor_ns, embedding_RE, anchor_ns - HOUR_NS, settings)

    hidden_B = np.array([True, False] * 4)
    batch = InputBatches(inputs(RequestSettings())).take(rows, hidden_histories_B=hidden_B)
    for hidden, other in (
        (hidden_B, inputs(RequestSettings(real_time_interactions={PATH: 0}))),
        (~hidden_B, inputs(RequestSettings())),
    ):
        np.testing.assert_array_equal(batch.facts_BF[hidden], other.facts_BF[hidden])
        got, expected = batch.histories[0], other.histories[0]
        of_these = np.isin(got.owner_R, np.flatnonzero(hidden))
        np.testing.assert_array_equal(got.dense_RF[of_these], expected.dense_RF[hidden[expected.owner_R]])
    np.testing.assert_array_equal(batch.embedding_BE, embedding_RE)
