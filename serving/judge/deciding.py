"""What was found -> the verdict, and why in words and numbers."""

from collections.abc import Sequence

from serving.judge.evidence import SeriesState, Signal
from serving.judge.look import Look
from serving.judge.plan import UNBALANCING, Metric
from serving.judge.usable import newest_state
from serving.judge.verdict import Finding, SplitFinding, Verdict


def decide(look: Look, findings: tuple[Finding, ...], split: SplitFinding | None) -> tuple[Verdict, str]:
    """The verdict, and why."""
    harmful = [finding for finding in findings if finding.harmful]
    if split is not None and split.mismatched and (look.requests[1] or not look.windows):
        failing = [finding for finding in harmful if finding.name in UNBALANCING]
        if not _to_roll_back(failing, look):
            return Verdict.ERROR, _split_words(split)
        return Verdict.ROLLBACK, f"{_harm_words(failing[0])}; {_split_words(split)}"
    if decided := _to_roll_back(harmful, look):
        return Verdict.ROLLBACK, "; ".join(_harm_words(finding) for finding in decided)
    if silent := _silent(look):
        return _without_evidence(look, look.plan.metrics, silent)
    missing = [finding for finding in findings if finding.state is not SeriesState.PRESENT]
    if missing:
        metrics = [metric for metric in look.plan.metrics if metric.name in {finding.name for finding in missing}]
        words = "; ".join(f"{finding.name}: {finding.state.value.replace('_', ' ')}" for finding in missing)
        return _without_evidence(look, metrics, words)
    if harmful:
        return Verdict.HOLD, "a person decides: " + "; ".join(_harm_words(finding) for finding in harmful)
    return _hold_or_advance(look, findings)


def _hold_or_advance(look: Look, findings: tuple[Finding, ...]) -> tuple[Verdict, str]:
    stable, candidate = look.requests
    lacking = []
    if min(stable, candidate) < look.step.min_samples:
        lacking.append(f"{look.step.min_samples:,} requests of each (got {candidate:,} and {stable:,})")
    if look.minutes < look.step.min_minutes:
        lacking.append(f"{look.step.min_minutes:g} min (got {look.minutes:.1f})")
    if lacking:
        return Verdict.HOLD, _overdue(look, "needs " + " and ".join(lacking))
    unproven = [finding for finding in findings if not finding.passes]
    if unproven:
        return Verdict.HOLD, _overdue(look, "; ".join(_unproven_words(finding) for finding in unproven))
    return Verdict.ADVANCE, "; ".join(_good_words(finding) for finding in findings)


def _to_roll_back(harmful: list[Finding], look: Look) -> list[Finding]:
    means: dict[str, str] = {metric.name: metric.harm_means for metric in look.plan.metrics}
    return [finding for finding in harmful if means.get(finding.name) == "rollback"]


def _silent(look: Look) -> str:
    """Why there is nothing to compare in this step; empty when there is."""
    if not look.windows:
        state = newest_state(look.evidence, Signal.REQUESTS, look.cold)
        ended = any(window.start >= look.evidence.step_start for window in look.evidence.windows)
        return f"requests: {state.value.replace('_', ' ')}" if ended else "no window of this step has ended yet"
    stable, candidate = look.requests
    if not candidate and not stable:
        return "neither version has answered a request"
    if not candidate:
        return f"the candidate has answered no request (the stable version {stable:,})"
    return "" if stable else f"the stable version has answered no request (the candidate {candidate:,})"


def _without_evidence(look: Look, metrics: Sequence[Metric], words: str) -> tuple[Verdict, str]:
    if look.overdue and any(metric.on_no_evidence == "rollback" for metric in metrics):
        return Verdict.ROLLBACK, f"no evidence for {look.step.max_minutes:g} min, and the file says roll back: {words}"
    return Verdict.NO_DATA, _overdue(look, words)


def _overdue(look: Look, words: str) -> str:
    return f"{words}; longer than {look.step.max_minutes:g} min: a person decides" if look.overdue else words


def _harm_words(finding: Finding) -> str:
    return f"{finding.name}: {finding.words}; e-value {finding.e_value:.3g}, limit {finding.e_limit:.3g}"


def _unproven_words(finding: Finding) -> str:
    more = "" if finding.samples_needed is None else f"; about {finding.samples_needed:,} more requests would tell"
    return f"{finding.name}: {_good_words(finding).removeprefix(finding.name + ': ')}{more}"


def _good_words(finding: Finding) -> str:
    bound = f"worse by at most {finding.upper_bound:.4f}, allowed {finding.margin:g}"
    return f"{finding.name}: {finding.words}; {bound}"


def _split_words(split: SplitFinding) -> str:
    return (
        f"the candidate gets {100 * split.observed:.2f} % of the requests, asked were {100 * split.asked:.2f} %: "
        f"e-value {split.e_value:.3g}, limit {split.e_limit:.3g}"
    )
