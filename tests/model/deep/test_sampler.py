from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.deep.sampler import (
    NUM_GAPS,
    Sampler,
    SamplerSettings,
    StepTokens,
    history_sizes,
    num_numbers,
    plan_steps,
)
from model.deep.temporal_search import DEGREE_WINDOWS_DAYS, NUM_DEGREES
from model.errors import UserError
from model.graph import Column, Graph, Link, SemanticType, Table
from model.store.store import ALWAYS, GraphStore
from tests.model.small_shop import DAY_NS, GRAPH, TO_ARTICLE, TO_CUSTOMER, at_day, small_store

Obvious = Callable[[Link, int, int], list[int]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> GraphStore:
    return small_store(tmp_path_factory.mktemp("sampler") / "graph")


@pytest.fixture(scope="module")
def past_children(store: GraphStore) -> Obvious:
    """(link, parent row, time) -> child rows at or before the time, newest first: slow and plain."""

    def find(link: Link, parent: int, time: int) -> list[int]:
        times = store.row_times(link.child_table)
        own = [row for row, p in enumerate(store.parent_rows(link)) if p == parent >= 0]
        found = [row for row in own if times[row] <= time]
        return sorted(found, reverse=True)

    return find


def test_the_plan_walks_both_ways_and_never_straight_back() -> None:
    steps = plan_steps(GRAPH, "customers", SamplerSettings(fanouts=(8, 8)))
    assert [(step.table, step.towards, step.hop, step.source, step.width) for step in steps] == [
        ("customers", "seed", 0, -1, 1),
        ("transactions", "children", 1, 0, 8),
        ("articles", "parents", 2, 1, 8),
    ]
    steps = plan_steps(GRAPH, "transactions", SamplerSettings(fanouts=(8, 4)))
    assert [(step.table, step.towards, step.hop, step.source, step.width) for step in steps] == [
        ("transactions", "seed", 0, -1, 1),
        ("customers", "parents", 1, 0, 1),
        ("articles", "parents", 1, 0, 1),
        ("transactions", "children", 2, 1, 4),
        ("transactions", "children", 2, 2, 4),
    ]


def test_wide_steps_take_fewer_children() -> None:
    wide = SamplerSettings(fanouts=(8, 8, 8, 8), max_step_width=20)
    assert max(step.width for step in plan_steps(GRAPH, "customers", wide)) <= 20
    none = plan_steps(GRAPH, "customers", SamplerSettings(fanouts=(0,)))
    assert [step.towards for step in none] == ["seed"]


def test_a_table_that_links_to_itself_is_walked_both_ways() -> None:
    keys = tuple(Column(name=name, semantic_type=SemanticType.ID, storage_type="BIGINT") for name in ("id", "boss"))
    people = Table(name="people", columns=keys, primary_key="id")
    boss = Link(child_table="people", child_column="boss", parent_table="people")
    steps = plan_steps(Graph(tables=(people,), links=(boss,)), "people", SamplerSettings(fanouts=(4,)))
    assert [step.towards for step in steps] == ["seed", "parents", "children"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    entity=st.sampled_from(["customers", "articles", "transactions"]),
    seeds=st.lists(st.tuples(st.integers(0, 11), st.floats(-5, 120)), min_size=1, max_size=6),
    fanout=st.integers(0, 7),
)
def test_samples_equal_the_obvious_search(
    store: GraphStore, past_children: Obvious, entity: str, seeds: list[tuple[int, float]], fanout: int
) -> None:
    rows = np.array([row for row, _ in seeds], dtype=np.int64)
    times = np.array([at_day(day) for _, day in seeds], dtype=np.int64)
    sampler = Sampler(store, entity, SamplerSettings(fanouts=(fanout, 3)))
    found = sampler.sample(rows, times)
    for step, tokens in zip(sampler.steps[1:], found[1:], strict=True):
        assert step.link is not None
        for b, time in enumerate(times.tolist()):
            for m, source in enumerate(found[step.source].rows_BM[b].tolist()):
                place = slice(m * tokens.fanout, (m + 1) * tokens.fanout)
                got = [row for row in tokens.rows_BM[b, place].tolist() if row >= 0]
                if step.towards == "children":
                    expected = past_children(step.link, source, time)[: step.fanout]
                else:
                    parent = int(store.parent_rows(step.link)[source]) if source >= 0 else -1
                    there = parent >= 0 and store.row_times(step.table)[parent] <= time
                    expected = [parent] if there else []
                assert got == expected


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entity=st.sampled_from(["customers", "articles", "transactions"]), day=st.floats(-5, 120))
def test_nothing_is_later_than_the_seed(store: GraphStore, entity: str, day: float) -> None:
    rows = np.arange(min(store.num_rows(entity), 30))
    times = np.full(len(rows), at_day(day))
    sampler = Sampler(store, entity, SamplerSettings(fanouts=(9, 9, 2)))
    for step, tokens in list(zip(sampler.steps, sampler.sample(rows, times), strict=True))[1:]:
        seen = tokens.rows_BM[tokens.rows_BM >= 0]
        assert (store.row_times(step.table)[seen] <= at_day(day)).all()
        assert (np.nan_to_num(tokens.age_days_BM) >= 0).all()


def test_a_row_at_exactly_the_time_is_in_the_past(store: GraphStore) -> None:
    near = store.children(TO_CUSTOMER)
    parent = int(np.argmax(np.diff(near.indptr)))
    child = int(near.child_rows[near.indptr[parent] + 5])
    time = int(store.row_times("transactions")[child])
    sampler = Sampler(store, "customers", SamplerSettings(fanouts=(500,), max_step_width=500))
    rows = np.array([parent, parent])
    _, children = sampler.sample(rows, np.array([time, time - 1]))
    assert child in children.rows_BM[0]
    assert child not in children.rows_BM[1]


def test_numbers_equal_the_obvious_count(store: GraphStore, past_children: Obvious) -> None:
    rows, times = np.arange(12), np.full(12, at_day(70))
    sampler = Sampler(store, "customers", SamplerSettings(fanouts=(5, 5)))
    seed, children, articles = sampler.sample(rows, times)
    own_times = store.row_times("transactions")
    for b in range(12):
        past = past_children(TO_CUSTOMER, b, at_day(70))
        np.testing.assert_allclose(seed.numbers_BMD[b, 0], _degrees(own_times[past], at_day(70)), rtol=1e-5)
        for m, (child, article) in enumerate(zip(children.rows_BM[b], articles.rows_BM[b], strict=True)):
            if article >= 0:
                now = own_times[past_children(TO_ARTICLE, article, at_day(70))]
                then = own_times[past_children(TO_ARTICLE, article, own_times[child])]
                expected = [*_degrees(now, at_day(70)), *_degrees(then, int(own_times[child]))]
                np.testing.assert_allclose(articles.numbers_BMD[b, m], expected, rtol=1e-5, atol=1e-6)
    assert (articles.rows_BM >= 0).sum() > 20
    assert (articles.numbers_BMD[articles.rows_BM < 0] == 0).all()


def _degrees(times: npt.NDArray[np.int64], moment: int) -> list[float]:
    if len(times) == 0:
        return [0.0] * NUM_DEGREES
    windows = [times[times > moment - days * DAY_NS] for days in DEGREE_WINDOWS_DAYS] + [times]
    counts = [np.log1p(len(window)) for window in windows]
    moments = [np.log1p(len(set(window.tolist()))) for window in windows]
    ends = [np.log1p((moment - end) / DAY_NS) / 8 for end in (times.max(), times.min())]
    return [*counts, *moments, *ends]


def test_gaps_are_the_time_to_the_next_newer_child(store: GraphStore) -> None:
    rows, times = np.arange(20), np.full(20, at_day(90))
    sampler = Sampler(store, "customers", SamplerSettings(fanouts=(6,)))
    _, children = sampler.sample(rows, times)
    gaps = children.numbers_BMD[:, :, -NUM_GAPS:]
    newer = np.concatenate([np.zeros((20, 1)), children.age_days_BM[:, :-1]], axis=1)
    expected = children.age_days_BM - newer
    known = ~np.isnan(expected)
    np.testing.assert_allclose(gaps[known][:, 0], np.log1p(expected[known]) / 8, atol=1e-6)
    assert (gaps[known][:, 1] == (expected[known] == 0)).all()
    assert (gaps[~known] == 0).all()
    assert gaps[:, :, 1].sum() > 0


def test_numbers_are_as_many_as_promised(store: GraphStore) -> None:
    for entity in ("customers", "articles", "transactions"):
        sampler = Sampler(store, entity, SamplerSettings(fanouts=(3, 3, 1)))
        found = sampler.sample(np.arange(4), np.full(4, at_day(50)))
        for position, tokens in enumerate(found):
            assert tokens.numbers_BMD.shape == (
                *tokens.rows_BM.shape,
                num_numbers(store.graph, sampler.steps, position),
            )


def test_empty_histories_and_empty_batches(store: GraphStore) -> None:
    sampler = Sampler(store, "customers", SamplerSettings())
    seed, children, articles = sampler.sample(np.arange(3), np.full(3, at_day(-1)))
    assert seed.rows_BM.tolist() == [[0], [1], [2]]
    assert children.rows_BM.tolist() == articles.rows_BM.tolist() == [[-1]] * 3
    assert np.isnan(children.age_days_BM).all()
    nothing: tuple[StepTokens, ...] = sampler.sample(np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert [tokens.rows_BM.shape for tokens in nothing] == [(0, 1)] * 3


def test_batches_only_change_the_padding(store: GraphStore) -> None:
    rows, times = np.arange(30), np.linspace(at_day(0), at_day(100), 30).astype(np.int64)
    sampler = Sampler(store, "customers", SamplerSettings())
    _, together, _ = sampler.sample(rows, times)
    for b in range(30):
        _, alone, _ = sampler.sample(rows[b : b + 1], times[b : b + 1])
        width = alone.fanout
        assert together.rows_BM[b, :width].tolist() == alone.rows_BM[0].tolist()
        assert (together.rows_BM[b, width:] == -1).all()
        np.testing.assert_array_equal(together.numbers_BMD[b, :width], alone.numbers_BMD[0])


def test_history_sizes(store: GraphStore, past_children: Obvious) -> None:
    rows, times = np.arange(15), np.full(15, at_day(60))
    expected = [len(past_children(TO_CUSTOMER, row, at_day(60))) for row in range(15)]
    assert history_sizes(store, "customers", rows, times).tolist() == expected
    assert history_sizes(store, "transactions", rows, times).tolist() == [0] * 15


def test_rows_that_have_always_existed_have_no_age(store: GraphStore) -> None:
    (seed,) = Sampler(store, "customers", SamplerSettings(fanouts=(0,))).sample(np.arange(3), np.full(3, at_day(9)))
    assert (store.row_times("customers") == ALWAYS).all()
    assert np.isnan(seed.age_days_BM).all()


@pytest.mark.parametrize("wrong", [{"fanouts": ()}, {"fanouts": (3, -1)}, {"max_step_width": 0}])
def test_settings_are_checked(wrong: dict[str, int]) -> None:
    with pytest.raises(UserError, match="got"):
        SamplerSettings(**wrong)  # type: ignore[arg-type]
