"""`stillhouse release simulate`: what a plan of steps and metrics is good for, before a candidate is judged by it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import AsJson, bar, show, stdout, table
from model.errors import UserError
from serving.judge.plan import Plan, read_plan
from serving.release import SCHEMA, read_release

USUAL_RATE_PER_SECOND = 50.0

if TYPE_CHECKING:
    from serving.simulation.reference import Reference
    from serving.simulation.report import Report, Simulation


def register(app: typer.Typer) -> None:
    """Add the verb to those of `release`."""
    app.command()(simulate)


def simulate(
    plan_path: Annotated[
        Path | None, typer.Option("--plan", help="A release file with a plan, or a plan alone; a usual one without.")
    ] = None,
    rollouts: Annotated[int, typer.Option(help="Simulated rollouts of a candidate that does not differ.")] = 2000,
    requests_per_second: Annotated[
        float | None, typer.Option(help="Of all versions together; the release file's by default, or else 50.")
    ] = None,
    error_rate: Annotated[float, typer.Option(help="Share of the stable version's requests that fail.")] = 0.01,
    seed: Annotated[int, typer.Option(help="The same seed prints the same figures.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Try a plan in thousands of simulated rollouts: false rollbacks, delay and power, beside common rules.

    Example: `stillhouse release simulate --requests-per-second 20 --error-rate 0.002`
    """
    # scipy's tests cost a second that no other verb should wait for.
    from serving.simulation import report as simulation

    plan, expected_rate = _read(plan_path)
    rate = next(each for each in (requests_per_second, expected_rate, USUAL_RATE_PER_SECOND) if each is not None)
    _check(rollouts, rate, error_rate)
    with bar("rollouts") as progress:
        report = simulation.simulate(
            plan,
            requests_per_second=rate,
            error_rate=error_rate,
            rollouts=rollouts,
            seed=seed,
            progress=progress,
        )

    def words() -> None:
        _say_plan(report)
        _say_reference(report.reference)

    show(report, as_json, words)


def _read(path: Path | None) -> tuple[Plan, float | None]:
    """(the plan, the release file's rate): of a release file, of a plan that stands alone, or the default."""
    if path is None:
        return Plan(), None
    if SCHEMA not in _text(path):
        return read_plan(path), None
    release = read_release(path)
    if release.plan is None:
        raise UserError(f"`{path}`: plan: there is none (got null)", hint="leave --plan out to try the default one")
    return release.plan, release.expected_rate_per_second


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the plan `{path}`: {error}", hint="name a release file, or a plan") from error


def _check(rollouts: int, requests_per_second: float, error_rate: float) -> None:
    if not 100 <= rollouts <= 100_000:
        raise UserError(f"--rollouts: 100 to 100,000 (got {rollouts})", hint="2,000 tell 1 % from 2 %")
    if not 0.01 <= requests_per_second <= 100_000:
        raise UserError(f"--requests-per-second: 0.01 to 100,000 (got {requests_per_second:g})")
    if not 0 <= error_rate < 0.05:
        raise UserError(
            f"--error-rate: from 0 to below 0.05 (got {error_rate:g})",
            hint="the harm that is simulated is a rate of 5 %",
        )


def _say_plan(report: "Report") -> None:
    figures = report.simulation
    stdout.print(
        f"[bold]the plan[/] at {report.requests_per_second:g} requests a second, {100 * report.error_rate:g} % errors, "
        f"a look every {report.window_seconds:g} s"
    )
    table("", ("candidate", "outcome", "value"), _plan_rows(figures))


def _plan_rows(figures: "Simulation") -> list[tuple[str, str, str]]:
    false = figures.aa_false_rollbacks / figures.aa_rollouts
    allowed = f"{_percent(false)} ({figures.aa_false_rollbacks:,} of {figures.aa_rollouts:,}; alpha {figures.alpha:g})"
    return [
        ("does not differ", "rolled back", allowed),
        ("", "promoted", _percent(figures.aa_promoted)),
        ("", "minutes to promotion, median", _or_never(figures.aa_minutes_median)),
        ("", "a step overdue", _percent(figures.aa_overdue)),
        ("", "split called wrong", _percent(figures.aa_errors)),
        ("", "condemned by a z-test at each look", _percent(figures.naive_false_rollbacks)),
        ("fails 5 %", "rolled back", _percent(figures.caught_5_percent)),
        ("", "looks until then, median", _or_never(figures.caught_5_percent_looks_median)),
        ("3 % take 4 times as long", "rolled back", _percent(figures.tail_power)),
        ("", "looks until then, median", _or_never(figures.tail_looks_median)),
        ("fails by the margin more", "promoted", _percent(figures.margin_promoted)),
    ]


def _say_reference(figures: "Reference") -> None:
    table(
        "errors: 1 % against the candidate's, 10 % of the traffic, 20 looks; share that is condemned",
        ("candidate", "requests a look", "z-test", "fixed limit", "e-value", "its median look"),
        [
            (
                _percent(row.candidate_error_rate),
                row.requests_per_look,
                _percent(row.z_test),
                _percent(row.fixed_limit),
                _percent(row.anytime),
                _or_never(row.anytime_median_look),
            )
            for row in figures.looks
        ],
    )
    table(
        "latency: 3 % of the candidate's requests take four times as long, one look; share that is found",
        ("requests", "Mann-Whitney", "beyond p99, Fisher", "beyond p99, e-value"),
        [
            (row.candidate_requests, _percent(row.mann_whitney), _percent(row.exceedance), _percent(row.anytime))
            for row in figures.tail
        ],
    )
    table(
        "stability index without any drift, ten bins",
        ("requests of each", "mean", "above 0.1", "above the cut-off for the size"),
        [
            (row.requests, f"{row.mean:.3f}", _percent(row.above_a_tenth), _percent(row.above_cutoff))
            for row in figures.index
        ],
    )
    table(
        "split: asked 10 %, alpha 1 %, up to 20,000 requests",
        ("observed", "found", "median requests"),
        [
            (_percent(row.observed_percent / 100), _percent(row.found), _or_never(row.median_requests))
            for row in figures.split
        ],
    )


def _percent(share: float | None) -> str:
    return "not counted" if share is None else f"{100 * share:.1f} %"


def _or_never(value: float | None) -> str:
    return "fewer than half" if value is None else f"{value:,.0f}"
