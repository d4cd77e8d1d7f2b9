"""How a candidate is to be judged: the steps of its traffic, and the metrics with what they may cost.

These are parts of a release file; `stillhouse release simulate --plan FILE` says what they are good for.
"""

from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from model.errors import UserError
from serving.judge.evidence import Outcome, Signal
from serving.part import Part

MetricName = Literal[
    "failures",
    "server_errors",
    "timeouts",
    "unavailable",
    "client_errors",
    "answered",
    "latency_p50",
    "latency_p90",
    "latency_p95",
    "latency_p99",
    "prediction_drift",
    "disagreement",
]
OUTCOMES: dict[MetricName, tuple[Outcome, ...]] = {
    "failures": (Outcome.SERVER_ERROR, Outcome.TIMEOUT, Outcome.UNAVAILABLE),
    "server_errors": (Outcome.SERVER_ERROR,),
    "timeouts": (Outcome.TIMEOUT,),
    "unavailable": (Outcome.UNAVAILABLE,),
    "client_errors": (Outcome.CLIENT_ERROR,),
    "answered": (Outcome.OK,),
}
"""Metrics that are a share of the requests, and what they count."""
QUANTILES: dict[MetricName, float] = {
    "latency_p50": 0.5,
    "latency_p90": 0.9,
    "latency_p95": 0.95,
    "latency_p99": 0.99,
}
"""Metrics that are the share of requests slower than a quantile of all."""
UNBALANCING: frozenset[MetricName] = frozenset({"failures", "server_errors", "timeouts", "unavailable"})
"""Failures by which a version itself unbalances the traffic: outliers are ejected, attempts are sent again."""
MARGINS: dict[MetricName, float] = {
    "failures": 0.005,
    "server_errors": 0.005,
    "timeouts": 0.005,
    "unavailable": 0.005,
    "client_errors": 0.01,
    "answered": 0.01,
    "latency_p50": 0.1,
    "latency_p90": 0.04,
    "latency_p95": 0.03,
    "latency_p99": 0.015,
    "prediction_drift": 0.1,
    "disagreement": 0.05,
}
"""Where a metric states none."""


class Direction(StrEnum):
    """Which way is worse."""

    LOWER_IS_BETTER = "lower_is_better"
    HIGHER_IS_BETTER = "higher_is_better"
    UNCHANGED = "unchanged"
    """Both ways are."""


class Metric(Part):
    """Something that must not get worse."""

    name: MetricName
    direction: Direction | None = Field(default=None, strict=False)
    """The metric's own where it is not stated; what lies in the metric's nature cannot be turned round."""
    margin: float | None = Field(default=None, ge=0, le=2)
    """How much worse is still good enough. Of shares: candidate's minus stable version's, 0.005 is half a point. Of a
    quantile: the share of the candidate's requests beyond it, minus the stable version's. Of `prediction_drift`: the
    population stability index. Of `disagreement`: the share of pairs that differ."""
    alpha: float = Field(default=0.01, gt=0, lt=0.5)
    """Chance, over all looks of a rollout, that this metric condemns a candidate that is no worse; and the chance in
    each step that it passes one that is worse by the margin."""
    on_no_evidence: Literal["hold", "rollback"] = "hold"
    """When the step has lasted `max_minutes` without evidence."""
    on_harm: Literal["rollback", "hold"] | None = None
    """Where it is not stated: `rollback`, but `hold` for `prediction_drift` and `disagreement`, since a new model is
    meant to differ, and a person decides."""

    @model_validator(mode="after")
    def _meaningful(self) -> Self:
        if self.direction not in (None, *self._allowed()):
            names = ", ".join(self._allowed())
            raise ValueError(f"direction: not of {self.name} (got {self.direction}); allowed: {names}")
        if self.name == "disagreement" and not 0 < self.limit < 1:
            raise ValueError(f"margin: of disagreement lies between 0 and 1, both excluded (got {self.limit:g})")
        if self.name != "prediction_drift" and self.limit >= 1:
            raise ValueError(f"margin: a share cannot grow by 1 or more (got {self.limit:g})")
        return self

    def _allowed(self) -> tuple[Direction, ...]:
        if self.name == "prediction_drift":
            return (Direction.UNCHANGED,)
        own = Direction.HIGHER_IS_BETTER if self.name == "answered" else Direction.LOWER_IS_BETTER
        return (own,) if self.name == "disagreement" else (own, Direction.UNCHANGED)

    @property
    def worse(self) -> Direction:
        """The direction that counts."""
        return self.direction or self._allowed()[0]

    @property
    def limit(self) -> float:
        """The margin that counts."""
        return MARGINS[self.name] if self.margin is None else self.margin

    @property
    def harm_means(self) -> Literal["rollback", "hold"]:
        """What proven harm leads to."""
        if self.on_harm is not None:
            return self.on_harm
        return "hold" if self.name in ("prediction_drift", "disagreement") else "rollback"

    @property
    def signal(self) -> Signal:
        """What it is computed from."""
        if self.name in OUTCOMES:
            return Signal.REQUESTS
        if self.name in QUANTILES:
            return Signal.LATENCY
        return Signal.SCORES if self.name == "prediction_drift" else Signal.PAIRS


class Step(Part):
    """A share of the traffic, and what it takes to leave it for the next."""

    weight: float = Field(gt=0, lt=100, strict=False)
    """Percent of the requests that the candidate gets."""
    min_samples: int = Field(default=300, gt=0)
    """Answered requests of each version in this step; without one error in 299, its rate is below 1 % with 95 %."""
    min_minutes: float = Field(default=5.0, ge=0, strict=False)
    max_minutes: float = Field(default=120.0, gt=0, strict=False)
    """When a step without a decision calls for a person (or, where the file says so, a rollback)."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max_minutes <= self.min_minutes:
            raise ValueError(f"max_minutes: more than min_minutes, {self.min_minutes:g} (got {self.max_minutes:g})")
        return self


DEFAULT_METRICS = (
    Metric(name="failures"),
    Metric(name="latency_p50"),
    Metric(name="latency_p99"),
    Metric(name="prediction_drift"),
)


class Plan(Part):
    """All of it."""

    steps: tuple[Step, ...] = Field(
        default=(Step(weight=10), Step(weight=25), Step(weight=50)), min_length=1, strict=False
    )
    metrics: tuple[Metric, ...] = Field(default=DEFAULT_METRICS, min_length=1, strict=False)
    split_alpha: float = Field(default=0.001, gt=0, lt=0.5)
    """Chance, over all looks, of an ERROR for a split that is as asked."""
    warm_up_seconds: float = Field(default=60.0, ge=0, strict=False)
    """Left out on both versions after the younger one's model became ready."""
    window_seconds: float = Field(default=60.0, gt=0, strict=False)
    """From one look to the next."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [metric.name for metric in self.metrics]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"metrics: each once (got {name} again)")
        weights = [step.weight for step in self.steps]
        if sorted(set(weights)) != weights:
            raise ValueError(
                f"steps: weights grow from step to step (got {', '.join(f'{each:g}' for each in weights)})"
            )
        if self.alpha >= 0.5:
            raise ValueError(f"metrics: the alphas add up to less than 0.5 (got {self.alpha:g})")
        return self

    @property
    def compares(self) -> bool:
        """Whether it judges by answers of both versions to the same requests, which somebody must ask them for."""
        return any(metric.signal is Signal.PAIRS for metric in self.metrics)

    @property
    def alpha(self) -> float:
        """Chance, over all metrics and looks, that a candidate that is no worse is condemned (Bonferroni)."""
        return sum(metric.alpha for metric in self.metrics)


def read_plan(path: Path) -> Plan:
    """Read a plan that stands alone.

    Raises:
        UserError: unreadable, or not of this form; names the field.
    """
    try:
        held = yaml.safe_load(path.read_text())
    except OSError as error:
        raise UserError(f"cannot read the plan `{path}`: {error.strerror}", hint="name a YAML file") from error
    except yaml.YAMLError as error:
        raise UserError(f"`{path}` is not YAML: {error}", hint="docs/verdicts.md shows a plan") from error
    try:
        return Plan.model_validate(held)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "file"
        got = "" if first["type"] in ("value_error", "missing") else f" (got {first['input']!r})"
        message = str(first["msg"]).removeprefix("Value error, ")
        raise UserError(f"`{path}`: {place}: {message}{got}", hint="docs/verdicts.md shows a plan") from error
