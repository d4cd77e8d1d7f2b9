"""Labels that came in after a provisional promotion -> confirm it, revert it, or wait.

The hold-back went on being answered by the old version, so both have a random share of the same traffic. Only requests
whose label window has closed are compared: labels that come early are not like those that come late.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.stats import norm, rankdata

from serving.judge.betting import Counts, Floats
from serving.judge.label_check import LabelCheck
from serving.judge.margins import difference, look_share
from serving.part import Part

_CERTAIN = 1e-6
"""Scores are kept this far from 0 and 1: one wrong certainty must not outweigh everything."""


class Confirmation(StrEnum):
    """What the labels say of a provisional promotion."""

    CONFIRM = "confirm"
    REVERT = "revert"
    NOT_MATURE = "not_mature"
    """Too few labels yet, or too few to tell: the hold-back stays."""
    ERROR = "error"
    """The labels cannot be compared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cohort:
    """One version's requests whose label window has closed."""

    requests: int
    """With a label or without."""
    scores: Floats
    """[labelled] the probability that was answered then."""
    labels: Floats
    """[labelled] 0 or 1."""


class LabelFinding(Part):
    """What the labels say, and why."""

    confirmation: Confirmation
    reason: str
    worse_by: float | None = None
    """The candidate's log loss minus the stable version's, or the stable version's AUROC minus the candidate's."""
    standard_error: float | None = None
    upper_bound: float | None = None
    """How much worse it may be, with the confidence that is left to this look."""
    labels_needed: int | None = None
    """More of the version with fewer of them."""


def verify(stable: Cohort, candidate: Cohort, check: LabelCheck, *, look: int = 1) -> LabelFinding:
    """Decide on a provisional promotion.

    Args:
        stable: of the version before, on the hold-back.
        candidate: of the version that was promoted.
        check: how labels decide.
        look: the how-manieth; the looks share alpha.
    """
    assert look >= 1, f"looks are counted from 1 (got {look})"
    for name, cohort in (("stable version", stable), ("candidate", candidate)):
        if problem := _impossible(cohort):
            return LabelFinding(confirmation=Confirmation.ERROR, reason=f"{name}: {problem}")
    if uneven := _uneven_coverage(stable, candidate, check):
        return LabelFinding(confirmation=Confirmation.ERROR, reason=uneven)
    if lacking := _lacking(stable, candidate, check):
        return lacking
    return _decide(stable, candidate, check, check.alpha * float(look_share(look)))


def auroc(cohort: Cohort) -> tuple[float, float]:
    """(area under the curve, its variance) by DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988)."""
    positive, negative = cohort.scores[cohort.labels == 1], cohort.scores[cohort.labels == 0]
    ranks = rankdata(np.concatenate([positive, negative]))
    m, n = len(positive), len(negative)
    above = (ranks[:m] - rankdata(positive)) / n
    below = 1 - (ranks[m:] - rankdata(negative)) / m
    return float(above.mean()), float(above.var(ddof=1) / m + below.var(ddof=1) / n)


def log_loss(cohort: Cohort) -> tuple[float, float]:
    """(mean log loss in nats, its variance)."""
    chance = np.clip(np.where(cohort.labels == 1, cohort.scores, 1 - cohort.scores), _CERTAIN, 1.0)
    loss = -np.log(chance)
    return float(loss.mean()), float(loss.var(ddof=1) / len(loss))


def _decide(stable: Cohort, candidate: Cohort, check: LabelCheck, alpha: float) -> LabelFinding:
    compute, better = (log_loss, "lower") if check.measure == "log_loss" else (auroc, "higher")
    (before, before_variance), (after, after_variance) = compute(stable), compute(candidate)
    worse_by = after - before if better == "lower" else before - after
    error = float(np.sqrt(before_variance + after_variance))
    reach = float(norm.ppf(1 - alpha)) * error
    upper = worse_by + reach
    words = (
        f"{check.measure} {after:.4f} of {len(candidate.labels):,} labels, before {before:.4f} of "
        f"{len(stable.labels):,}; worse by at most {upper:.4f}, allowed {check.margin:g}"
    )
    needed = None
    if upper < check.margin:
        confirmation = Confirmation.CONFIRM
    elif worse_by - reach > 0 and worse_by > check.margin:
        confirmation = Confirmation.REVERT
    else:
        confirmation = Confirmation.NOT_MATURE
        needed = _labels_to_tell(stable, candidate, worse_by, reach, check.margin)
    more = "" if needed is None else f"; about {needed:,} more labels would tell"
    return LabelFinding(
        confirmation=confirmation,
        reason=words + more,
        worse_by=worse_by,
        standard_error=error,
        upper_bound=upper,
        labels_needed=needed,
    )


def _labels_to_tell(stable: Cohort, candidate: Cohort, worse_by: float, reach: float, margin: float) -> int | None:
    """What the error must shrink to; None where the difference is the margin itself."""
    room = margin - worse_by if worse_by < margin else worse_by
    if room <= 0:
        return None
    fewest = min(len(stable.labels), len(candidate.labels))
    return max(int(np.ceil(fewest * ((reach / room) ** 2 - 1))), 1)


def _impossible(cohort: Cohort) -> str:
    if cohort.scores.shape != cohort.labels.shape:
        return f"scores and labels differ in number (got {cohort.scores.size} and {cohort.labels.size})"
    if len(cohort.labels) > cohort.requests:
        return f"more labels than requests (got {len(cohort.labels):,} of {cohort.requests:,})"
    if not np.isin(cohort.labels, (0, 1)).all():
        return "labels are 0 or 1, each request's once"
    if not ((cohort.scores >= 0) & (cohort.scores <= 1)).all():
        return "scores lie between 0 and 1 and are numbers"
    return ""


def _uneven_coverage(stable: Cohort, candidate: Cohort, check: LabelCheck) -> str:
    labelled: Counts = np.array([len(stable.labels), len(candidate.labels)], dtype=np.int64)
    requests: Counts = np.array([stable.requests, candidate.requests], dtype=np.int64)
    if requests.min() == 0:
        return ""
    apart = float(difference(labelled, requests))
    pooled = labelled.sum() / requests.sum()
    error = float(np.sqrt(pooled * (1 - pooled) * (1 / requests).sum()))
    if abs(apart) <= check.coverage_margin or abs(apart) <= float(norm.ppf(1 - check.alpha / 2)) * error:
        return ""
    shares = labelled / requests
    return (
        f"labels are not missing at random: {100 * shares[1]:.1f} % of the candidate's requests have one, "
        f"{100 * shares[0]:.1f} % of the stable version's"
    )


def _lacking(stable: Cohort, candidate: Cohort, check: LabelCheck) -> LabelFinding | None:
    for name, cohort in (("stable version", stable), ("candidate", candidate)):
        positives = int(cohort.labels.sum())
        fewest = min(positives, len(cohort.labels) - positives)
        if len(cohort.labels) < check.min_labels or fewest < check.min_of_each_class:
            return LabelFinding(
                confirmation=Confirmation.NOT_MATURE,
                reason=f"{name}: needs {check.min_labels:,} mature labels, {check.min_of_each_class} of each class "
                f"(got {len(cohort.labels):,}, {positives:,} of them positive)",
                labels_needed=max(check.min_labels - len(cohort.labels), 1),
            )
    return None
