"""Counts between scrapes: exact, whatever comes and goes in between."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.prometheus import Series
from serving.signals.growth import Coverage, Growth, coverage, growth
from serving.signals.no_answer import NoData, Reset, Stale, TooFewPoints

GATEWAY = {"instance": "127.0.0.1:9901"}
INTERVAL_S = 15.0


def series(*samples: tuple[float, float], **labels: str) -> Series:
    return Series(
        labels={**GATEWAY, **labels}, times_s=tuple(t for t, _ in samples), values=tuple(value for _, value in samples)
    )


def steady(begin_s: int, end_s: int, uptime_s: float = 1000.0) -> Series:
    return series(*((float(t), uptime_s + t - begin_s) for t in range(begin_s, end_s + 1)))


def covered(uptime: list[Series], start_s: float, end_s: float) -> Coverage:
    found = coverage(uptime, start_s=start_s, end_s=end_s, stale_after_s=5)
    assert isinstance(found, Coverage), found
    return found


def grown(counter: Series, uptime: Series, start_s: float, end_s: float) -> Growth:
    return growth([counter], covered([uptime], start_s, end_s), label="code")


def test_only_what_lies_between_the_first_and_the_last_scrape_of_the_window_counts() -> None:
    counter = series(*((float(t), 100.0 * t) for t in range(30)), code="200")
    found = covered([steady(0, 29)], 9.5, 19.5)
    assert (found.start_s, found.end_s) == (10, 19)
    assert growth([counter], found, label="code").by_label == {"200": 900}


def test_a_window_that_begins_at_a_scrape_holds_it_despite_rounding() -> None:
    assert covered([steady(0, 29)], 10.000001, 20).start_s == 10


def test_a_counter_that_appears_later_was_zero_before() -> None:
    """The first errors of an arm: Envoy makes the counter when it counts the first one."""
    assert grown(series((13, 3), (14, 5), code="500"), steady(0, 20), 10, 20).by_label == {"500": 5}


def test_a_counter_that_was_there_before_the_window_is_not_counted_from_zero() -> None:
    assert grown(series(*((float(t), 7.0) for t in range(21)), code="500"), steady(0, 20), 10, 20).by_label == {
        "500": 0
    }


def test_a_gateway_that_is_scraped_late_counts_from_its_first_scrape() -> None:
    """Prometheus was down when the window began: what the gateway had counted until then is not this window's."""
    late = steady(15, 20, uptime_s=5000)
    found = grown(series(*((float(t), 10_000.0 + t) for t in range(15, 21)), code="200"), late, 10, 20)
    assert found.by_label == {"200": 5}


def test_a_gateway_that_began_within_the_window_counts_from_zero() -> None:
    new = steady(15, 20, uptime_s=2)
    assert grown(series((15, 40), (20, 90), code="200"), new, 10, 20).by_label == {"200": 90}


def test_a_restarted_gateway_is_named_even_when_its_counter_overtook_the_old_one() -> None:
    uptime = series((10, 500), (11, 501), (12, 0), (13, 1))
    whole = covered([uptime], 10, 13)
    found = growth([series((10, 100), (11, 110), (12, 130), (13, 150), code="200")], whole, label="code")
    assert found.by_label == {"200": 10 + 150}
    assert found.reset(whole) == Reset(times=1, last_s=12)


def test_an_arm_that_was_taken_out_and_came_again_is_a_reset_too() -> None:
    whole = covered([steady(0, 20)], 10, 20)
    found = growth([series((10, 100), (11, 110), (17, 4), (20, 9), code="200")], whole, label="code")
    assert found.by_label == {"200": 19}
    assert found.reset(whole) == Reset(times=1, last_s=17)


def test_several_gateways_and_counters_are_added_by_label() -> None:
    other = {"instance": "127.0.0.2:9901"}
    second = Series(labels=other, times_s=(10.0, 20.0), values=(700.0, 710.0))
    found = covered([steady(0, 20), second], 10, 20)
    counters = [
        series((10, 1), (20, 4), code="200", response_flags="-"),
        series((10, 1), (20, 3), code="200", response_flags="UT"),
        Series(labels={**other, "code": "200"}, times_s=(10.0, 20.0), values=(50.0, 60.0)),
        Series(labels={"instance": "127.0.0.3:9901", "code": "200"}, times_s=(10.0, 20.0), values=(0.0, 1e6)),
    ]
    assert growth(counters, found, label="code").by_label == {"200": 15}


@pytest.mark.parametrize(
    ("uptime", "named"),
    [
        ([], NoData),
        ([steady(0, 9)], NoData),
        ([steady(10, 14)], Stale),
        ([steady(20, 20)], TooFewPoints),
        ([steady(10, 15)], Coverage),
    ],
)
def test_a_window_without_enough_scrapes_is_named(uptime: list[Series], named: type) -> None:
    assert isinstance(coverage(uptime, start_s=9.5, end_s=20, stale_after_s=5), named)


@dataclass(kw_only=True)
class Machine:
    """A gateway that counts, is scraped, and begins anew now and then."""

    time_s: float = 1000.0
    began_s: float = 0.0
    count: int
    seen: int = 0
    """Counted within the window, and told before the process ended."""
    untold: int = 0
    """Counted since the last scrape."""
    restarts: int = 0
    uptimes: list[tuple[float, float]] = field(default_factory=list)
    counts: list[tuple[float, float]] = field(default_factory=list)

    def scrape(self) -> None:
        self.seen, self.untold = self.seen + self.untold, 0
        self.uptimes.append((self.time_s, float(int(self.time_s - self.began_s))))
        if self.count:
            self.counts.append((self.time_s, float(self.count)))

    def run(self, requests: int) -> None:
        self.count += requests
        self.untold += requests
        self.time_s += INTERVAL_S

    def restart(self) -> None:
        self.began_s, self.count, self.untold = self.time_s + INTERVAL_S / 2, 0, 0
        self.restarts += 1


@given(
    before=st.integers(0, 1000),
    life=st.lists(st.tuples(st.sampled_from(["scraped", "missed", "restart"]), st.integers(0, 50)), max_size=40),
)
def test_growth_is_what_the_scrapes_saw_and_every_restart_is_named(before: int, life: list[tuple[str, int]]) -> None:
    machine = Machine(count=before)
    machine.scrape()
    for what, requests in [*life, ("scraped", 0)]:
        if what == "restart":
            machine.restart()
        machine.run(requests)
        if what != "missed":
            machine.scrape()
    whole = covered([series(*machine.uptimes)], machine.uptimes[0][0], machine.time_s)
    found = growth([series(*machine.counts, code="200")] if machine.counts else [], whole, label="code")
    assert found.by_label.get("200", 0) == machine.seen
    reset = found.reset(whole)
    assert (reset.times if reset else 0) == machine.restarts
