"""Rates and shares from counters, with none where there is no data."""

from serving.twin.envoy_admin import Traffic
from serving.twin.traffic import Rates, TrafficWindow


def traffic(requests: int, errors: int = 0) -> Traffic:
    return Traffic(requests=requests, errors=errors, active=0, p50_ms=None, p99_ms=None)


def test_one_sample_says_nothing_about_rates() -> None:
    window = TrafficWindow()
    nothing = Rates(request_rate=None, share=None, error_share=None)
    assert window.rates("v1") == nothing
    window.add(0.0, {"v1": traffic(100)})
    assert window.rates("v1") == nothing
    assert window.latest("v1").requests == 100
    assert window.latest("v2").requests == 0


def test_rates_and_shares_are_those_of_the_window() -> None:
    window = TrafficWindow()
    window.add(0.0, {"v1": traffic(1000, 500)})
    window.add(2.0, {"v1": traffic(1090, 500), "v2": traffic(10, 5)})
    assert window.rates("v1") == Rates(request_rate=45.0, share=0.9, error_share=0.0)
    assert window.rates("v2") == Rates(request_rate=5.0, share=0.1, error_share=0.5)


def test_a_window_without_requests_has_a_rate_but_no_shares() -> None:
    window = TrafficWindow()
    window.add(0.0, {"v1": traffic(7)})
    window.add(1.0, {"v1": traffic(7)})
    assert window.rates("v1") == Rates(request_rate=0.0, share=None, error_share=None)


def test_what_is_older_than_the_window_does_not_count() -> None:
    window = TrafficWindow()
    for second in range(30):
        window.add(float(second), {"v1": traffic(100 if second >= 5 else 0)})
    assert window.rates("v1").request_rate == 0.0


def test_counters_that_fall_back_start_a_new_window() -> None:
    window = TrafficWindow()
    window.add(0.0, {"v1": traffic(1000)})
    window.add(1.0, {"v1": traffic(3)})
    assert window.rates("v1").request_rate is None
    window.add(2.0, {"v1": traffic(13)})
    assert window.rates("v1").request_rate == 10.0
