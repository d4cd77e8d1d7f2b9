"""The status of a twin under traffic, against what the load generator saw."""

import pytest

from serving.twin.run import twin_status
from tests.serving.fake_repository import Behaviour
from tests.serving.stage import Stage
from tests.serving.waiting import wait_for


def test_rates_shares_errors_and_latency_are_those_of_the_traffic(stage: Stage) -> None:
    stable, candidate = stage.stable, stage.add_next(Behaviour(fail_share=0.5))
    stage.canary(candidate, 50)
    runner = stage.load(rate_per_s=200, arrivals="constant")

    def told() -> bool:
        """Envoy tells percentiles once in a few seconds, so they come later than the counts."""
        seen = stage.version(candidate)
        return (seen.share or 0) > 0.3 and seen.requests > 300 and seen.p99_ms is not None

    wait_for(told)
    status = twin_status(stage.folder)
    summary = runner.stop().summary()
    shown = {version.version: version for version in status.versions}
    assert (shown[stable].weight, shown[candidate].weight) == (50, 50)
    assert (shown[stable].share or 0) + (shown[candidate].share or 0) == pytest.approx(1.0)
    assert shown[stable].error_share == 0.0
    assert shown[candidate].error_share == pytest.approx(0.5, abs=0.15)
    assert (shown[stable].request_rate or 0) + (shown[candidate].request_rate or 0) <= 220
    assert shown[candidate].p99_ms is not None
    assert set(summary.failures_by_status) == {500}
    assert set(summary.failures_by_version) == {candidate}
