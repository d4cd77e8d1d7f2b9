"""Evidence and plan -> a verdict: no clock, no file, no network, and the same answer whenever it is asked again.

The order: what cannot be; whether the traffic is split as asked; harm; missing evidence; enough samples and time; and
only then whether every metric is good enough to go on.
"""

import numpy as np

from serving.judge.betting import Counts, log_wealth, one_sample_log_bets
from serving.judge.contradictions import contradiction
from serving.judge.deciding import decide
from serving.judge.evidence import Evidence, SeriesState, Signal, Window
from serving.judge.look import Look, look_at
from serving.judge.margins import look_share
from serving.judge.measures import Measure, measure_of
from serving.judge.plan import Metric, Plan, Step
from serving.judge.usable import newest_state, of_step, usable
from serving.judge.verdict import Finding, Judgement, SplitFinding, Verdict

_LARGEST_LOG_E = 299 * np.log(10)


def judge(evidence: Evidence, plan: Plan, step: Step) -> Judgement:
    """Judge the candidate.

    Args:
        evidence: every window since its first traffic.
        plan: metrics, and what they may cost.
        step: the one that the release is in.
    """
    if impossible := contradiction(evidence, step):
        return Judgement(
            verdict=Verdict.ERROR, reason=f"the evidence contradicts itself: {impossible}", alpha=plan.alpha
        )
    look = look_at(evidence, plan, step)
    findings = tuple(_finding(metric, look) for metric in plan.metrics)
    split = _split(usable(evidence, Signal.REQUESTS, look.cold), plan.split_alpha)
    verdict, reason = decide(look, findings, split)
    lacking = [finding.samples_needed for finding in findings if finding.samples_needed is not None]
    lacking.append(max(step.min_samples - look.requests[1], 0))
    return Judgement(
        verdict=verdict,
        reason=reason,
        findings=findings,
        split=split,
        stable_requests=look.requests[0],
        candidate_requests=look.requests[1],
        minutes=look.minutes,
        looks=look.looks,
        alpha=plan.alpha,
        alpha_spent=max(finding.alpha_spent for finding in findings),
        samples_needed=max(lacking) or None,
        overdue=look.overdue,
    )


def _finding(metric: Metric, look: Look) -> Finding:
    windows = usable(look.evidence, metric.signal, look.cold)
    bounds = next((each.stable.latency_ms.upper_bounds for each in windows if each.stable.latency_ms), ())
    measure = measure_of(metric, bounds)
    counts = np.array([measure.counts(window) for window in windows], dtype=np.int64)
    num_now = len(of_step(look.evidence, windows))
    now = counts[len(windows) - num_now :].sum(0) if num_now else None
    e_value = _highest_e(measure, windows, counts)
    state = newest_state(look.evidence, metric.signal, look.cold)
    if now is None or (now.sum(-1) == 0).any():
        return Finding(
            name=metric.name,
            state=SeriesState.MISSING if state is SeriesState.PRESENT else state,
            words="nothing was counted in this step",
            margin=metric.limit,
            alpha=metric.alpha,
            e_value=e_value,
            e_limit=1 / metric.alpha,
        )
    alpha = metric.alpha * float(look_share(max(look.looks, 1)))
    passes = float(measure.worse_by_margin_p(now)) <= alpha
    beyond = _is_beyond(measure, counts.sum(0), now, look.step.min_samples)
    return Finding(
        name=metric.name,
        state=state,
        words=measure.words(now),
        worse_by=float(measure.worse_by(now)),
        margin=metric.limit,
        e_value=e_value,
        e_limit=1 / metric.alpha,
        upper_bound=measure.upper_bound(now, alpha),
        alpha=metric.alpha,
        alpha_spent=metric.alpha * (1 - 1 / (look.looks + 1)),
        samples_needed=None if passes else _more_samples(measure, now, look.looks),
        harmful=e_value >= 1 / metric.alpha and beyond,
        passes=passes,
    )


def _is_beyond(measure: Measure, rollout: Counts, now: Counts, min_samples: int) -> bool:
    """Whether it is seen to be worse by more than the margin: in the whole rollout, or in a step with its samples."""
    if float(measure.worse_by(rollout)) > measure.metric.limit:
        return True
    return int(now.sum(-1).min()) >= min_samples and float(measure.worse_by(now)) > measure.metric.limit


def _highest_e(measure: Measure, windows: tuple[Window, ...], counts: Counts) -> float:
    if not windows:
        return 1.0
    asked = np.array([window.asked_percent for window in windows], dtype=np.float64)
    return float(np.exp(min(measure.log_e_path(counts, asked)[-1], _LARGEST_LOG_E)))


def _more_samples(measure: Measure, total: Counts, looks: int) -> int | None:
    needed = measure.samples_needed(total, measure.metric.alpha * float(look_share(looks + 1)))
    return None if needed is None else max(needed - int(total[-1].sum()), 1)


def _split(windows: tuple[Window, ...], alpha: float) -> SplitFinding | None:
    """Bet either way that the candidate's share is not what was asked for."""
    if not windows:
        return None
    candidate = np.array([window.candidate.requests for window in windows], dtype=np.int64)
    everyone = candidate + np.array([window.stable.requests for window in windows], dtype=np.int64)
    asked = np.array([window.asked_share for window in windows], dtype=np.float64)
    path = log_wealth(one_sample_log_bets(candidate, everyone, asked, "both").cumsum(0))
    total = max(int(everyone.sum()), 1)
    return SplitFinding(
        asked=float((asked * everyone).sum() / total),
        observed=int(candidate.sum()) / total,
        e_value=float(np.exp(min(max(path.max(), 0.0), _LARGEST_LOG_E))),
        e_limit=1 / alpha,
    )
