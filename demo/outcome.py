"""Records of the load and the steps of the release -> the figures of the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from demo.evidence import RolloutEvidence, Step
from demo.report import Latency, Refresh, Requests, Rollout, Split
from serving.load_result import LoadResult

GOOD_VERSION, BAD_VERSION = "v2", "v3"
ROLLBACK_STEP = "v3 rolled back"


@dataclass(frozen=True, kw_only=True, slots=True)
class Released:
    """What the releases showed."""

    requests: Requests
    latency_ms: Latency
    split: Split
    rollout: Rollout
    refresh: Refresh
    evidence: RolloutEvidence
    history: list[str]
    """One line for each commit, oldest first."""


def outcome(
    result: LoadResult,
    steps: Sequence[Step],
    verb_seconds: Mapping[str, float],
    *,
    refresh_seconds: float,
    foreign_refused: bool,
    history: list[str],
) -> Released:
    """Counts, shares and times of one release.

    Args:
        result: every request.
        steps: in order; the last is the one after the refresh of embeddings.
        verb_seconds: seconds since the load began at which each step's verb was given.
        refresh_seconds: from the verb to the first answer with the new embeddings.
        foreign_refused: whether embeddings of another deep model were refused.
        history: one line for each commit.
    """
    versions = np.array([*result.versions, ""], dtype=np.str_)[result.version]
    ok = result.status == 200
    evidence = RolloutEvidence(
        intended_s=result.planned_s, latency_ms=result.latency_ms, ok=ok, version=versions, steps=tuple(steps)
    )
    bad = ~ok & (versions == BAD_VERSION)
    answered_s = result.planned_s + result.latency_ms / 1000
    taken_over_s = next(step.start_s for step in steps if step.name == ROLLBACK_STEP)
    gone_s = float(answered_s[versions == BAD_VERSION].max(initial=taken_over_s))
    refreshing = (result.planned_s >= steps[-2].end_s) & (result.planned_s < steps[-1].end_s)
    p50, p99 = (float(value) for value in np.percentile(result.latency_ms[ok], [50, 99]))
    return Released(
        requests=Requests(sent=len(ok), failed=int((~ok & ~bad).sum()), failed_by_bad_version=int(bad.sum())),
        latency_ms=Latency(p50=p50, p99=p99),
        split=_split(evidence),
        rollout=Rollout(
            promoted=GOOD_VERSION, rolled_back=BAD_VERSION, rollback_seconds=gone_s - verb_seconds[ROLLBACK_STEP]
        ),
        refresh=Refresh(seconds=refresh_seconds, failed=int((~ok & refreshing).sum()), foreign_refused=foreign_refused),
        evidence=evidence,
        history=history,
    )


def _split(evidence: RolloutEvidence) -> Split:
    """Share of the newer version in each step that had one."""
    expected: dict[str, float] = {}
    observed: dict[str, float] = {}
    requests: dict[str, int] = {}
    for step in evidence.steps:
        inside = evidence.during(step) & (evidence.version != "")
        if step.newer and inside.any():
            expected[step.name] = step.weights[step.newer] / 100
            observed[step.name] = float(np.mean(evidence.version[inside] == step.newer))
            requests[step.name] = int(inside.sum())
    return Split(expected=expected, observed=observed, requests=requests)
