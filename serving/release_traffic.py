"""A plan and the endpoint's traffic -> whether the one can ever be met by the other."""

from math import ceil

from serving.judge.plan import Plan, Step


def contradiction(plan: Plan, rate_per_second: float | None, *, kept: int) -> str | None:
    """The first thing in the plan that can never be, as `<field>: ...`; None where there is none.

    Args:
        plan: the steps.
        rate_per_second: requests to the endpoint.
        kept: percent of them that a third version keeps.
    """
    for position, step in enumerate(plan.steps):
        if step.weight != int(step.weight):
            return f"plan.steps.{position}.weight: whole percents, 1 to 99 (got {step.weight:g})"
    if rate_per_second is None:
        return "expected_rate_per_second: a plan needs it, to tell whether its samples can be reached (got null)"
    for position, step in enumerate(plan.steps):
        warm_up = plan.warm_up_seconds / 60 if position == 0 else 0.0
        needed = warm_up + minutes_needed(step, rate_per_second, kept=kept)
        if needed > step.max_minutes:
            return (
                f"plan.steps.{position}.max_minutes: {step.min_samples:,} samples of each version take "
                f"{ceil(needed):,} minutes at {step.weight:g} % of {rate_per_second:g} requests per second "
                f"(got {step.max_minutes:g}); allow more minutes, ask for fewer samples, or begin with more weight"
            )
    return None


def minutes_needed(step: Step, rate_per_second: float, *, kept: int) -> float:
    """Until the smaller of the two shares, candidate's and stable version's, has answered the step's samples."""
    share = min(step.weight, 100 - step.weight - kept) / 100
    return step.min_samples / (rate_per_second * share * 60)
