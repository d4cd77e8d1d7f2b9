"""Helm releases: which chart, which version, and a value by its path."""

from typing import Final

from infra.policies.judged import UNKNOWN, Judged, Maybe, Value, at
from infra.policies.rule import holds

RELEASES: Final = ("helm.sh:Release", "helm.sh:Chart")


def chart_of(release: Judged) -> Value:
    """The chart's own name: `istiod` of `oci://.../istiod` as of `istiod` in an index."""
    chart = at(release.inputs, "chart")
    return chart if chart is UNKNOWN or chart is None else str(chart).rstrip("/").rsplit("/", 1)[-1]


def is_chart(release: Judged, name: str) -> Maybe:
    """Whether the release installs this chart."""
    return holds(chart_of(release), lambda chart: chart == name)


def value_of(release: Judged, *path: str) -> Value:
    """A value that the release gives to its chart; None where it leaves the chart's default."""
    return at(release.inputs, "values", *path)
