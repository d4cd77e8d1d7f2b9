"""docs/signals.md names every metric that a verdict is made of, and every name of what cannot be counted."""

from pathlib import Path

from serving.judge.evidence import Outcome
from serving.signals import names
from serving.twin.prometheus_files import _LARGEST_MB
from serving.twin.settings import TwinSettings

TEXT = (Path(__file__).parents[3] / "docs/signals.md").read_text()


def test_every_counted_metric_is_told() -> None:
    counted = (
        names.ENVOY_REQUESTS,
        f"{names.ENVOY_LATENCY_MS}_bucket",
        names.ENVOY_UPTIME_S,
        names.ISTIO_REQUESTS,
        f"{names.ISTIO_LATENCY_MS}_bucket",
        f"{names.SCORES}_bucket",
        names.SCRAPED,
    )
    assert [name for name in counted if f"`{name}`" not in TEXT] == []


def test_every_outcome_is_told() -> None:
    assert [outcome for outcome in Outcome if f"`{outcome}`" not in TEXT] == []


def test_what_it_says_of_the_twin_is_so() -> None:
    fields = TwinSettings.model_fields
    assert (fields["scrape_interval_s"].default, fields["metrics_kept_hours"].default) == (1.0, 24)
    assert f"a day or {_LARGEST_MB} MB" in TEXT
    assert "`latency_goal_ms`" in TEXT
