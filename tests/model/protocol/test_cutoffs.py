"""RelBench's rule: no label window reaches into the next split or past the last row."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import UserError
from model.graph import Graph
from model.protocol.cutoffs import plan_cutoffs
from model.query import BoundQuery, bind_query, parse_query
from model.query.bound import DAY_NS
from tests.model.protocol.samples import protocol
from tests.model.small_shop import GRAPH

START = datetime(2024, 1, 1, tzinfo=UTC)
START_NS = int(START.timestamp()) * 10**9


def bound(horizon_days: int, graph: Graph = GRAPH) -> BoundQuery:
    return bind_query(
        parse_query(f"PREDICT COUNT(transactions.*, 0, {horizon_days}, days) = 0 FOR EACH customers.id"), graph
    )


@given(
    horizon=st.integers(1, 40),
    step=st.integers(1, 60),
    windows=st.integers(1, 50),
    validation=st.integers(80, 300),
    gap=st.integers(1, 200),
    end=st.integers(400, 1000),
)
def test_windows_keep_out_of_the_next_split(
    horizon: int, step: int, windows: int, validation: int, gap: int, end: int
) -> None:
    asked = protocol(
        validation=START + timedelta(days=validation),
        test=START + timedelta(days=validation + gap),
        windows=windows,
        step_days=step,
        training={},
    )
    last_ns = START_NS + end * DAY_NS
    try:
        plan = plan_cutoffs(asked, bound(horizon), START_NS, last_ns)
    except UserError:
        assert gap < horizon or validation + gap + horizon > end
        return
    plan.check(bound(horizon))
    assert max(plan.test_ns) + horizon * DAY_NS <= last_ns
    assert min(plan.training_ns) >= START_NS + horizon * DAY_NS
    assert max(plan.training_ns) == min(plan.validation_ns) - horizon * DAY_NS
    for cutoffs in (plan.validation_ns, plan.test_ns):
        assert len(cutoffs) <= windows
        assert {after - before for before, after in pairwise(cutoffs)} <= {step * DAY_NS}


def test_a_static_target_is_refused() -> None:
    static = bind_query(parse_query("PREDICT customers.age FOR EACH customers.id"), GRAPH)
    with pytest.raises(UserError, match="happens in a window"):
        plan_cutoffs(protocol(), static, START_NS, START_NS)
