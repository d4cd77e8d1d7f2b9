"""One PromQL query in, typed samples or a named outcome out; nothing here knows what is asked."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from serving.signals.no_answer import NoData, Refused, Unreachable

_TIMEOUT_S = 10.0
_NOT_READY = 503


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A series at one moment."""

    labels: Mapping[str, str]
    time_s: float
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """A series over a window; at least one sample, the oldest first."""

    labels: Mapping[str, str]
    times_s: tuple[float, ...]
    values: tuple[float, ...]


class _Found(BaseModel):
    model_config = ConfigDict(extra="ignore")

    metric: dict[str, str]
    value: tuple[float, float] | None = None
    values: tuple[tuple[float, float], ...] = ()


class _Data(BaseModel):
    model_config = ConfigDict(extra="ignore")

    resultType: str  # noqa: N815 - Prometheus spells it so
    result: list[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Prometheus:
    """A Prometheus, or whatever speaks its HTTP API."""

    url: str
    timeout_s: float = _TIMEOUT_S
    headers: Mapping[str, str] | None = None
    """E.g. a token or a tenant."""

    def samples(self, query: str, *, at_s: float) -> tuple[Sample, ...] | NoData | Unreachable | Refused:
        """Each series of an instant vector, or the one number of a scalar, at a Unix time."""
        found = self._ask(query, at_s, allowed=("vector", "scalar"))
        if not isinstance(found, tuple):
            return found
        return tuple(
            Sample(labels=each.metric, time_s=each.value[0], value=each.value[1])
            for each in found
            if each.value is not None
        )

    def clock_s(self) -> float | NoData | Unreachable | Refused:
        """Its own clock, in Unix time."""
        found = self._ask("time()", None, allowed=("scalar",))
        if not isinstance(found, tuple):
            return found
        return found[0].value[1] if found[0].value is not None else NoData(what="it told no time")

    def series(self, query: str, *, at_s: float) -> tuple[Series, ...] | NoData | Unreachable | Refused:
        """Raw samples of a range vector that ends at a Unix time."""
        found = self._ask(query, at_s, allowed=("matrix",))
        if not isinstance(found, tuple):
            return found
        for each in found:
            if not all(math.isfinite(value) for _, value in each.values):
                return Refused(what=f"`{query}` has a sample that is no number")
        return tuple(
            Series(
                labels=each.metric,
                times_s=tuple(time_s for time_s, _ in each.values),
                values=tuple(value for _, value in each.values),
            )
            for each in found
        )

    def _ask(
        self, query: str, at_s: float | None, *, allowed: tuple[str, ...]
    ) -> tuple[_Found, ...] | NoData | Unreachable | Refused:
        when = {} if at_s is None else {"time": f"{at_s:.3f}"}
        try:
            # A proxy of the environment is for the world outside, not for what runs beside us.
            with httpx.Client(timeout=self.timeout_s, trust_env=False, headers=self.headers) as client:
                answer = client.post(
                    f"{self.url}/api/v1/query",
                    data={"query": query, **when, "timeout": f"{round(1000 * self.timeout_s)}ms"},
                )
        except httpx.HTTPError as error:
            return Unreachable(what=f"{self.url}: {type(error).__name__}: {error}".rstrip(": "))
        return _read(query, answer, allowed)


def _read(
    query: str, answer: httpx.Response, allowed: tuple[str, ...]
) -> tuple[_Found, ...] | NoData | Unreachable | Refused:
    said = f"({answer.status_code}): {answer.text.strip()[:200]}"
    if answer.status_code == _NOT_READY:
        return Unreachable(what=f"it is not ready, or too slow {said}")
    try:
        body = answer.json()
        if not isinstance(body, dict):
            return Unreachable(what=f"what answered is no Prometheus {said}")
        if body.get("status") != "success":
            return Refused(what=f"{body.get('errorType', answer.status_code)}: {body.get('error', answer.text[:200])}")
        data = _Data.model_validate(body.get("data"))
        if data.resultType not in allowed:
            return Refused(what=f"`{query}` is a {data.resultType}; allowed is {' or '.join(allowed)}")
        if data.resultType == "scalar":
            return (_Found.model_validate({"metric": {}, "value": data.result}),)
        found = tuple(_Found.model_validate(each) for each in data.result)
    except (ValueError, ValidationError):
        return Unreachable(what=f"what answered is no Prometheus {said}")
    return found or NoData(what=f"`{query}` has no series")
