"""A small made-up report and its evidence, for the tests of the page."""

import numpy as np

from demo.evidence import RolloutEvidence, ScoreEvidence, Step
from demo.report import (
    DemoReport,
    Interval,
    Latency,
    Parameters,
    Quality,
    QualityIntervals,
    Refresh,
    Requests,
    Rollout,
    Split,
    this_machine,
)

AUROC = {
    "deep": 0.74,
    "distilled": 0.735,
    "distilled_without_embedding": 0.70,
    "lightgbm_entity": 0.58,
    "lightgbm_dfs": 0.72,
}


def sample_report() -> DemoReport:
    return DemoReport(
        tables={"customers": 600, "articles": 120, "transactions": 8818},
        query="PREDICT COUNT(transactions.*, 0, 30, days) = 0 FOR EACH customers.customer_id",
        rows={"train": 3000, "validation": 300, "test": 310},
        positive_share=0.46,
        auroc=Quality(**AUROC),
        auroc_intervals=QualityIntervals(
            **{name: Interval(value=value, low=value - 0.01, high=value + 0.01) for name, value in AUROC.items()}
        ),
        retention=0.97,
        fidelity=0.98,
        parameters=Parameters(deep=420_000, distilled=34_000),
        requests=Requests(sent=6000, failed=0, failed_by_bad_version=37),
        latency_ms=Latency(p50=4.2, p99=14.8),
        split=Split(expected={"v2 at 10 %": 0.1}, observed={"v2 at 10 %": 0.097}, requests={"v2 at 10 %": 1500}),
        rollout=Rollout(promoted="v2", rolled_back="v3", rollback_seconds=0.21),
        refresh=Refresh(seconds=0.6, failed=0, foreign_refused=True),
        seconds={"generate": 1.5, "train": 110.0},
        versions={"v1": "sha256:" + "1" * 64, "v2": "sha256:" + "2" * 64, "v3": "sha256:" + "3" * 64},
        machine=this_machine(),
    )


def sample_scores() -> ScoreEvidence:
    rng = np.random.default_rng(1)
    deep = rng.beta(2, 2, 400)
    return ScoreEvidence(
        label=(rng.random(400) < deep).astype(float),
        scores={"deep": deep, "distilled": np.clip(deep + rng.normal(0, 0.05, 400), 0, 1)},
    )


def sample_rollout() -> RolloutEvidence:
    rng = np.random.default_rng(2)
    steps = (
        Step(name="v1 serves", start_s=0, end_s=10, weights={"v1": 100}),
        Step(name="v2 at 10 %", start_s=10, end_s=30, weights={"v1": 90, "v2": 10}, newer="v2"),
        Step(name="v2 at 50 %", start_s=30, end_s=45, weights={"v1": 50, "v2": 50}, newer="v2"),
        Step(name="v2 promoted", start_s=45, end_s=55, weights={"v2": 100}),
        Step(name="v3 at 10 %", start_s=55, end_s=70, weights={"v2": 90, "v3": 10}, newer="v3"),
        Step(name="v3 rolled back", start_s=70, end_s=80, weights={"v2": 100}),
    )
    intended_s = np.sort(rng.uniform(0, 80, 6000))
    version = np.empty(6000, dtype="<U2")
    for step in steps:
        inside = (intended_s >= step.start_s) & (intended_s < step.end_s)
        share = np.array(list(step.weights.values())) / 100
        version[inside] = rng.choice(list(step.weights), size=inside.sum(), p=share)
    ok = ~((version == "v3") & (rng.random(6000) < 0.3))
    return RolloutEvidence(
        intended_s=intended_s, latency_ms=rng.lognormal(1.5, 0.4, 6000), ok=ok, version=version, steps=steps
    )
