"""Gateways that take new weights over at their own time: seen when all did, and not before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.prometheus import Series
from serving.signals.in_force import Taken, taken

OLD, NEW = {"v1": 90, "v2": 10}, {"v1": 75, "v2": 25}


def pod(name: str, answers: list[dict[str, int]]) -> tuple[dict[str, Series], Series]:
    """A pod's counters, and its scrapes; it answered so many of each version between two of them."""
    times_s = tuple(15.0 * step for step in range(len(answers) + 1))
    counters = {}
    for version in ("v1", "v2"):
        values = np.cumsum([1000, *(each.get(version, 0) for each in answers)])
        labels = {"instance": name, "response_code": "200"}
        counters[version] = Series(labels=labels, times_s=times_s, values=tuple(float(value) for value in values))
    return counters, Series(labels={"instance": name}, times_s=times_s, values=times_s)


def seen(*pods: tuple[dict[str, Series], Series], asked: dict[str, int], before: dict[str, int]) -> Taken:
    answers = {version: [counters[version] for counters, _ in pods] for version in ("v1", "v2")}
    return taken(answers, [scrapes for _, scrapes in pods], asked=asked, before=before)


def drawn(weights: dict[str, int], requests: int, steps: int, seed: int) -> list[dict[str, int]]:
    draws = np.random.default_rng(seed).binomial(requests, weights.get("v2", 0) / 100, size=steps)
    return [{"v1": requests - int(count), "v2": int(count)} for count in draws]


def test_a_pod_that_lags_behind_is_waited_for() -> None:
    new, old = drawn(NEW, 200, 6, 1), drawn(OLD, 200, 6, 2)
    assert seen(pod("a", new), pod("b", new), asked=NEW, before=OLD).in_force
    lagging = seen(pod("a", new), pod("b", old), asked=NEW, before=OLD)
    assert (lagging.convinced, lagging.asked, lagging.in_force) == (1, 2, False)
    assert "1 of 2 gateway pods show it" in lagging.words
    assert seen(pod("a", new), pod("b", old + new), asked=NEW, before=OLD).in_force
    assert not seen(pod("a", new + old), asked=NEW, before=OLD).in_force, "and what was taken back is seen too"


@pytest.mark.parametrize(("asked", "before"), [({"v1": 100}, OLD), (OLD, {"v1": 100}), ({"v2": 100}, NEW)])
def test_a_version_that_comes_or_goes_is_seen_by_its_answers(asked: dict[str, int], before: dict[str, int]) -> None:
    assert seen(pod("a", drawn(asked, 100, 4, 3)), asked=asked, before=before).in_force
    assert not seen(pod("a", drawn(before, 100, 4, 3)), asked=asked, before=before).in_force


def test_a_tester_who_asks_by_name_neither_makes_nor_hides_a_rollback() -> None:
    tested = [{"v1": 100, "v2": 1}] * 4
    assert seen(pod("a", tested), asked={"v1": 100}, before=OLD).in_force
    assert not seen(pod("a", [{"v1": 3, "v2": 1}]), asked=OLD, before={"v1": 100}).in_force


def test_silence_shows_nothing() -> None:
    quiet = seen(pod("a", [{}, {}]), asked=NEW, before=OLD)
    assert (quiet.in_force, quiet.asked) == (False, 0)
    assert "answered since: nothing" in quiet.words
    assert not seen(asked=NEW, before=OLD).in_force


@given(st.integers(0, 10_000))
def test_the_old_weights_hardly_ever_pass_for_the_new_ones(seed: int) -> None:
    shown = seen(pod("a", drawn(OLD, 100, 3, seed)), asked={"v1": 50, "v2": 50}, before=OLD)
    assert not shown.in_force
