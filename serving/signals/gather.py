"""A look at a rollout: what both arms did since the last one, by the gateway's counts -> one window more of evidence.

Windows end and begin at the same scrape of the gateway, so no request is counted twice and none falls between two of
them. Scores are counted by the models, at scrapes of their own: a second's worth may be left out of each window.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from serving.judge.evidence import Arm, Evidence, Histogram, Outcome, Pairs, SeriesState, Signal, Window
from serving.prometheus import Prometheus
from serving.signals import names
from serving.signals.growth import Coverage, Growth, always_up, coverage, growth
from serving.signals.no_answer import NoAnswer, NoData, Reset, Skewed, Stale, TooFewPoints
from serving.signals.queries import (
    comparer_scrapes,
    counted_latency,
    counted_pairs,
    counted_requests,
    counted_scores,
    gateway_uptime,
    model_scrapes,
)
from serving.signals.targets import Target, TwinTarget

_COUNTED = (Signal.REQUESTS, Signal.LATENCY, Signal.SCORES)
_LEFT_OPEN_S = 0.01
"""Prometheus 3 leaves out a sample that lies exactly at the begin of a range."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What one look found."""

    evidence: Evidence
    """With this look's window as the last one."""
    reasons: Mapping[str, str]
    """Signal and arm -> why there is nothing, or not enough, e.g. `requests.candidate`; empty when all is there."""


def gather(
    prometheus: Prometheus,
    target: Target,
    before: Evidence,
    *,
    asked_percent: float,
    elsewhere_percent: float = 0,
    warm_up_s: float,
    pairs: bool = False,
    most_skew_s: float = math.inf,
    now: datetime,
) -> Look:
    """Count what both arms did since the last look that could count.

    Nothing is ever zero because it could not be read: an arm of which no request was ever seen is MISSING, one that was
    merely not asked within the window has no requests.

    Args:
        prometheus: where to ask.
        target: under which names.
        before: what was gathered so far; its `step_start` is when the gateway had taken the present weights over.
        asked_percent: of the candidate, by the release file.
        elsewhere_percent: of a third version, in neither arm.
        warm_up_s: left out on both arms after the younger one became ready.
        pairs: whether both versions are asked the same, and how their answers compare is to be counted too.
        most_skew_s: that this clock may be off the source's; more, and nothing is read.
        now: this clock, just read; Prometheus is asked as of then.
    """
    windows = _counted_windows(before)
    warm = max(before.stable.ready, before.candidate.ready) + timedelta(seconds=warm_up_s)
    start = max(before.step_start, warm, *(window.end for window in windows[-1:]))
    if now <= start:
        state = SeriesState.WARM_UP if now <= warm else SeriesState.TOO_SHORT
        why = f"the warm-up of both versions ends at {warm:%H:%M:%S}" if now <= warm else "no time since the last look"
        found = _Found.nothing(state, why, start=now, end=now)
    else:
        reader = _Reader(prometheus=prometheus, target=target, start=start, now=now)
        skewed = reader.skew(most_skew_s)
        if skewed is not None:
            found = _Found.nothing(state_of(skewed), skewed.reason, start=start, end=now)
        else:
            found = reader.look(before)
        if pairs and skewed is None:
            found = reader.with_pairs(found, before)
    window = Window(
        start=found.start,
        end=found.end,
        asked_percent=asked_percent,
        elsewhere_percent=elsewhere_percent,
        stable=found.arms["stable"],
        candidate=found.arms["candidate"],
        pairs=found.pairs,
    )
    update = {"windows": (*windows, window), "gathered": now, "queries": {**before.queries, **found.queries}}
    return Look(evidence=before.model_copy(update=update), reasons=found.reasons)


def outcome_of(code: str) -> Outcome:
    """How a caller takes an HTTP status; Istio writes 0 where the caller itself left."""
    status = int(code)
    if status in _OWN_OUTCOME:
        return _OWN_OUTCOME[status]
    if status >= 500:
        return Outcome.SERVER_ERROR
    return Outcome.CLIENT_ERROR if status >= 400 or status == 0 else Outcome.OK


_OWN_OUTCOME = {503: Outcome.UNAVAILABLE, 504: Outcome.TIMEOUT}


def _counted_windows(evidence: Evidence) -> tuple[Window, ...]:
    """Without the last looks that could read nothing: Prometheus may know by now what happened then."""
    windows = evidence.windows
    while windows and all(_is_unread(arm) for arm in (windows[-1].stable, windows[-1].candidate)):
        windows = windows[:-1]
    return windows


def _is_unread(arm: Arm) -> bool:
    return arm.state(Signal.REQUESTS) not in (SeriesState.PRESENT, SeriesState.RESET)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    start: datetime
    end: datetime
    arms: Mapping[str, Arm]
    reasons: Mapping[str, str]
    queries: Mapping[str, str]
    pairs: Pairs | None = None

    @staticmethod
    def nothing(
        state: SeriesState, why: str, *, start: datetime, end: datetime, queries: Mapping[str, str] | None = None
    ) -> "_Found":
        arm = Arm(states=dict.fromkeys(_COUNTED, state))
        keys = [f"{signal}.{name}" for signal in _COUNTED for name in ("stable", "candidate")]
        return _Found(
            start=start,
            end=end,
            arms={"stable": arm, "candidate": arm},
            reasons=dict.fromkeys(keys, why),
            queries=queries or {},
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reader:
    prometheus: Prometheus
    target: Target
    start: datetime
    now: datetime

    @property
    def window_s(self) -> float:
        return (self.now - self.start).total_seconds() + _LEFT_OPEN_S

    def skew(self, most_s: float) -> NoAnswer | None:
        """How far the clocks are apart, where that is too far or nobody can say."""
        if math.isinf(most_s):
            return None
        began_s = time.monotonic()
        theirs_s = self.prometheus.clock_s()
        if not isinstance(theirs_s, float):
            return theirs_s
        ahead_s, took_s = theirs_s - self.now.timestamp(), time.monotonic() - began_s
        # It read its clock some time after we did, and before its answer came.
        return None if -most_s <= ahead_s <= took_s + most_s else Skewed(ahead_s=ahead_s, limit_s=most_s)

    def look(self, before: Evidence) -> _Found:
        query = gateway_uptime(self.target, self.window_s)
        covered = self._coverage(query, tells_uptime=True)
        queries = {"uptime.gateway": query}
        if not isinstance(covered, Coverage):
            return _Found.nothing(state_of(covered), covered.reason, start=self.start, end=self.now, queries=queries)
        arms: dict[str, Arm] = {}
        reasons: dict[str, str] = {}
        for name, version in (("stable", before.stable.version), ("candidate", before.candidate.version)):
            asked = {
                Signal.REQUESTS: counted_requests(self.target, version, self.window_s),
                Signal.LATENCY: counted_latency(self.target, version, self.window_s),
                Signal.SCORES: counted_scores(self.target, version, self.window_s),
            }
            scraped = model_scrapes(self.target, version, self.window_s)
            arms[name], missing = self._arm(asked, covered, self._coverage(scraped))
            queries[f"scrapes.{name}"] = scraped
            queries |= {f"{signal}.{name}": text for signal, text in asked.items()}
            reasons |= {f"{signal}.{name}": why.reason for signal, why in missing.items()}
        return _Found(
            start=max(self.start, datetime.fromtimestamp(covered.start_s, UTC)),
            end=min(self.now, datetime.fromtimestamp(covered.end_s, UTC)),
            arms=arms,
            reasons=reasons,
            queries=queries,
        )

    def with_pairs(self, found: _Found, before: Evidence) -> _Found:
        """And how both versions' answers to the same requests compare; a failure neither agrees nor disagrees."""
        queries, answer = self._pairs(before)
        told = replace(found, queries={**found.queries, **queries})
        if isinstance(answer, Pairs):
            return replace(told, pairs=answer)
        candidate = found.arms["candidate"]
        states = {**candidate.states, Signal.PAIRS: state_of(answer)}
        return replace(
            told,
            arms={**found.arms, "candidate": candidate.model_copy(update={"states": states})},
            reasons={**found.reasons, Signal.PAIRS.value: answer.reason},
        )

    def _pairs(self, before: Evidence) -> tuple[dict[str, str], Pairs | NoAnswer]:
        if not isinstance(self.target, TwinTarget):
            return {}, NoData(what="nobody asks both versions the same on a cluster")
        both = (before.stable.version, before.candidate.version)
        scraped = comparer_scrapes(self.target, self.window_s)
        asked = counted_pairs(self.target, *both, self.window_s)
        queries = {"scrapes.pairs": scraped, Signal.PAIRS.value: asked}
        covered = self._coverage(scraped)
        grown = self._grown(asked, covered, names.PAIRS_OUTCOME)
        if not isinstance(grown, Growth):
            return queries, grown
        if isinstance(covered, Coverage) and (reset := grown.reset(covered)):
            return queries, reset
        agreed, disagreed = (round(grown.by_label.get(outcome, 0)) for outcome in ("agreed", "disagreed"))
        return queries, Pairs(compared=agreed + disagreed, disagreed=disagreed)

    def _coverage(self, query: str, *, tells_uptime: bool = False) -> Coverage | NoAnswer:
        scraped = self.prometheus.series(query, at_s=self.now.timestamp())
        if not isinstance(scraped, tuple):
            return scraped
        return coverage(
            scraped if tells_uptime else always_up(scraped),
            start_s=self.start.timestamp(),
            end_s=self.now.timestamp(),
            stale_after_s=self.target.stale_after_s,
        )

    def _arm(
        self, asked: Mapping[Signal, str], covered: Coverage, pods: Coverage | NoAnswer
    ) -> tuple[Arm, Mapping[Signal, NoAnswer]]:
        requests = self._grown(asked[Signal.REQUESTS], covered, self.target.code_label)
        latency = self._grown(asked[Signal.LATENCY], covered, names.BUCKET_LE)
        scores = self._grown(asked[Signal.SCORES], pods, names.BUCKET_LE)
        missing: dict[Signal, NoAnswer] = {}
        grown = (
            (Signal.REQUESTS, requests, covered),
            (Signal.LATENCY, latency, covered),
            (Signal.SCORES, scores, pods),
        )
        for signal, found, within in grown:
            if not isinstance(found, Growth):
                missing[signal] = found
            elif isinstance(within, Coverage) and (reset := found.reset(within)):
                missing[signal] = reset
        arm = Arm(
            outcomes=_outcomes(requests) if isinstance(requests, Growth) else {},
            latency_ms=_histogram(latency) if isinstance(latency, Growth) else None,
            scores=_histogram(scores) if isinstance(scores, Growth) else None,
            states={signal: state_of(why) for signal, why in missing.items()},
        )
        return arm, missing

    def _grown(self, query: str, covered: Coverage | NoAnswer, label: str) -> Growth | NoAnswer:
        if not isinstance(covered, Coverage):
            return covered
        series = self.prometheus.series(query, at_s=self.now.timestamp())
        return growth(series, covered, label=label) if isinstance(series, tuple) else series


def state_of(why: NoAnswer) -> SeriesState:
    """What a verdict calls it."""
    match why:
        case Stale():
            return SeriesState.STALE
        case Reset():
            return SeriesState.RESET
        case Skewed():
            return SeriesState.SKEWED
        case TooFewPoints():
            return SeriesState.TOO_SHORT
        case _:
            return SeriesState.MISSING


def _outcomes(grown: Growth) -> dict[Outcome, int]:
    counts: dict[Outcome, int] = {}
    for code, count in grown.by_label.items():
        outcome = outcome_of(code)
        counts[outcome] = counts.get(outcome, 0) + round(count)
    return counts


def _histogram(grown: Growth) -> Histogram | None:
    """None where the gateways do not measure in the same buckets, so that sums of them mean nothing."""
    ordered = sorted((float(bound), round(count)) for bound, count in grown.by_label.items())
    bounds, counts = tuple(bound for bound, _ in ordered[:-1]), tuple(count for _, count in ordered)
    is_whole = bool(bounds) and ordered[-1][0] == float("inf") and list(counts) == sorted(counts)
    return Histogram(upper_bounds=bounds, cumulative=counts) if is_whole else None
