"""The report as a table in plain text, which is also Markdown: what `make bench` prints and the documents show."""

from collections.abc import Sequence

from bench.report import Rate, Report, ScalingModel

ENDPOINT_NAME, LIMIT_NAME = "this endpoint", "empty model (the limit)"


def table(report: Report) -> str:
    """All parts that were measured."""
    parts = [
        _rates(report),
        _ratios(report),
        _microseconds(report),
        _transports(report),
        _disturbances(report),
        _cold(report),
        _cost(report),
        _scaling(report),
    ]
    return "\n\n".join(part for part in parts if part)


def summary(report: Report) -> str:
    """Rates and their ratios alone."""
    return f"{_rates(report)}\n\n{_ratios(report)}"


def _rates(report: Report) -> str:
    named = {ENDPOINT_NAME: report.endpoint, LIMIT_NAME: report.limit}
    peers = sorted(report.peers.items(), key=lambda item: -item[1].rate)
    rows = [_rate_row(name, rate) for name, rate in [*named.items(), *peers] if rate is not None]
    head = (
        f"requests/s at p99 <= {report.bound_ms:g} ms",
        "rounds",
        "p50 ms",
        "p99 ms (95 % interval)",
        "p99.9 ms",
        "failed of",
    )
    return markdown(("", *head), rows)


def _rate_row(name: str, rate: Rate) -> tuple[str, ...]:
    interval = f" ({rate.p99_interval_ms[0]:.1f} to {rate.p99_interval_ms[1]:.1f})" if rate.p99_interval_ms else ""
    rounds = f"{min(rate.rates):,.0f} to {max(rate.rates):,.0f}"
    return (
        name,
        f"{rate.rate:,.0f}" if rate.rate else "none held",
        rounds,
        number(rate.p50_ms),
        number(rate.p99_ms) + interval,
        number(rate.p999_ms),
        f"{rate.failed} of {rate.requests:,}",
    )


def _ratios(report: Report) -> str:
    lines = []
    for words, value, bounds in (
        ("ratio to the limit", report.ratio_to_limit, report.ratio_to_limit_range),
        (f"ratio to the best peer ({report.best_peer})", report.ratio_to_best_peer, report.ratio_to_best_peer_range),
    ):
        if value is not None and bounds is not None:
            lines.append(f"- {words}: {value:.2f} (rounds {bounds[0]:.2f} to {bounds[1]:.2f})")
    return "\n".join(lines)


def _microseconds(report: Report) -> str:
    rows = [(name.replace("_", " "), number(spent, 0)) for name, spent in report.microseconds.items()]
    return markdown(("part", "processor us a request"), rows)


def _transports(report: Report) -> str:
    rows = [
        (
            f"{transport}, {entities}",
            f"{one.rate:,.0f}",
            f"{one.entities_per_second:,.0f}",
            number(one.p99_ms),
            number(one.generator_us, 0),
            number(one.gateway_us, 0),
            number(one.triton_us, 0),
            f"{one.failed} of {one.requests:,}",
        )
        for transport, sizes in report.transports.items()
        for entities, one in sizes.items()
    ]
    spent = ("generator us", "gateway us", "Triton us")
    return markdown(("transport, entities", "requests/s", "entities/s", "p99 ms", *spent, "failed of"), rows)


def _disturbances(report: Report) -> str:
    rows = [
        (
            name.replace("_", " "),
            f"{one.failed} of {one.requests:,}",
            number(one.p99_ratio, 2),
            number(one.p999_ms),
            number(one.max_ms),
        )
        for name, one in report.disturbances.items()
    ]
    return markdown(("under load", "failed", "p99 by the calm one", "p99.9 ms", "maximum ms"), rows)


def _cold(report: Report) -> str:
    if report.cold_start_seconds is None:
        return ""
    steps = ", ".join(f"{name.replace('_', ' ')} {1000 * s:.0f} ms" for name, s in report.cold_start_steps.items())
    first = f"the first hundred answers take {number(report.first_hundred_ratio, 2)} times as long as later ones"
    return f"- cold start: {report.cold_start_seconds:.2f} s ({steps}); {first}"


def _cost(report: Report) -> str:
    tiers = ", ".join(f"{tier} {usd:.4f}" for tier, usd in report.usd_per_million.items())
    return f"- USD for a million predictions by tier: {tiers} ({report.usd_assumptions})" if tiers else ""


def _scaling(report: Report) -> str:
    rates = [
        (name, f"{one.rate:,.0f}", number(one.p99_ms)) for name, one in report.scaling.items() if isinstance(one, Rate)
    ]
    model = report.scaling.get("model")
    parts = [markdown(("replicas on these cores", f"requests/s at p99 <= {report.bound_ms:g} ms", "p99 ms"), rates)]
    if isinstance(model, ScalingModel):
        rows = [
            (
                f"{one.rate:,.0f}",
                f"{one.load:.2f}",
                *(number(value) for value in (one.p50_ms, one.model_p50_ms, one.p99_ms, one.model_p99_ms)),
            )
            for one in model.checks
        ]
        parts.append(
            markdown(("one replica at", "cores busy", "p50 ms", "by the model", "p99 ms", "by the model"), rows)
        )
        pods = f"{model.pods} pods of {model.pod_cores} such cores each, the generator elsewhere"
        bound = (
            f"at p99 <= {report.bound_ms / model.margin:.1f} ms (its p99 was up to {model.margin:.1f} times too low)"
        )
        parts.append(f"- a model, not a measurement: {pods}, hold {model.rate:,.0f} requests/s {bound}")
    return "\n\n".join(part for part in parts if part)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns are aligned; the first to the left, the rest to the right. Empty without rows."""
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [_line(head, widths), "| " + " | ".join([":" + "-" * (widths[0] - 1 or 1), *_rules(widths)]) + " |"]
    return "\n".join([*lines, *(_line(row, widths) for row in rows)])


def number(value: float | None, digits: int = 1) -> str:
    """A dash for what is not known."""
    return "-" if value is None else f"{value:,.{digits}f}"


def _rules(widths: Sequence[int]) -> list[str]:
    return ["-" * (width - 1) + ":" for width in widths[1:]]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
    return "| " + " | ".join(cells) + " |"
