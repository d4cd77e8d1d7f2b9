"""Evidence for tests of release verbs: told verdicts, and real counts that a real judge reads."""

from datetime import datetime, timedelta

from serving.judge.evidence import Arm, Evidence, Histogram, Outcome, Version, Window
from serving.judge.plan import Metric, Plan, Step
from serving.judge.verdict import Judgement, Verdict
from serving.release import Release
from serving.release_evidence import EvidenceFile, Weighed

PLAN = Plan(
    steps=(
        Step(weight=10, min_samples=100, min_minutes=5, max_minutes=60),
        Step(weight=50, min_samples=100, min_minutes=5, max_minutes=60),
    ),
    metrics=(Metric(name="failures", margin=0.05),),
    warm_up_seconds=0,
)


def planned(release: Release) -> Release:
    """With a plan that its traffic can meet."""
    fields = release.model_dump(by_alias=True) | {"plan": PLAN, "expected_rate_per_second": 100.0}
    return Release.model_validate(fields)


def evidence(release: Release, *, gathered: datetime, windows: tuple[Window, ...] = ()) -> Evidence:
    """About the versions that serve, and the candidate's present step."""
    stable, candidate = release.stable, release.candidate
    assert stable is not None
    assert candidate is not None
    begun = candidate.since or gathered
    return Evidence(
        endpoint=release.endpoint,
        stable=Version(version=stable.version, digest=stable.digest, ready=begun - timedelta(days=1)),
        candidate=Version(version=candidate.version, digest=candidate.digest, ready=begun - timedelta(hours=1)),
        step_start=begun,
        gathered=gathered,
        windows=windows,
    )


def told(release: Release, verdict: Verdict, *, gathered: datetime, overdue: bool = False) -> Weighed:
    """Evidence of which a judge said this."""
    step = release.step()
    about = evidence(release, gathered=gathered)
    judgement = Judgement(verdict=verdict, reason=f"so says {verdict.value}", alpha=0.01, overdue=overdue)
    text = about.model_dump_json() + judgement.model_dump_json()
    return Weighed(
        evidence=about, plan=PLAN, step=step or PLAN.steps[0], judgement=judgement, file=EvidenceFile(text=text)
    )


def counted(release: Release, *, minutes: int, per_minute: int, candidate_errors: int) -> Evidence:
    """One window a minute, from the step's beginning; errors of the candidate in each, none of the stable version."""
    assert release.candidate is not None
    assert release.candidate.since is not None
    begun, weight = release.candidate.since, release.candidate.weight
    share = per_minute * weight // 100
    windows = tuple(
        Window(
            start=begun + timedelta(minutes=minute),
            end=begun + timedelta(minutes=minute + 1),
            asked_percent=float(weight),
            stable=_arm(per_minute - share, errors=0),
            candidate=_arm(share, errors=candidate_errors),
        )
        for minute in range(minutes)
    )
    return evidence(release, gathered=begun + timedelta(minutes=minutes), windows=windows)


def _arm(requests: int, *, errors: int) -> Arm:
    return Arm(
        outcomes={Outcome.OK: requests - errors, Outcome.SERVER_ERROR: errors},
        latency_ms=Histogram(upper_bounds=(5.0, 10.0), cumulative=(requests // 2, requests, requests)),
    )
