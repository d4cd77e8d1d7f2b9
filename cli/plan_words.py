"""A plan in words: the tree of parts, the bill, capacity, fit, findings, and what another tier would change."""

from collections.abc import Iterator

from rich.tree import Tree

from cli.console import stdout, table
from stacks.bill.line import Cases, merged
from stacks.bill.reference import FIXED_USD
from stacks.capture.resource import Resource
from stacks.plan.compare import Comparison
from stacks.plan.plan import Plan, PlatformPart, PoolCapacity

SHOWN_CHANGES = 40
"""Changed inputs that are listed; --json has all of them."""


def show_plan(made: Plan) -> None:
    """All but the comparison."""
    custom = sum(resource.custom or resource.remote for resource in made.capture.resources)
    stdout.print(f"[bold]{made.stack}[/]: {custom} resources in {len(made.capture.resources) - custom} components")
    stdout.print(_tree(made))
    if made.platform:
        _show_bill(made.platform)
        _show_capacity(made.platform.capacity)
        _show_fit(made.platform)
    table(
        "findings",
        ("level", "rule", "what", "source"),
        [
            (str(finding.level), finding.rule, _about(finding.resource) + finding.message, finding.source)
            for finding in made.findings
        ],
    )
    if made.platform and made.platform.missing_secrets:
        names = ", ".join(f"stillhouse:{name}" for name in made.platform.missing_secrets)
        stdout.print(f"\nsecrets to set before `pulumi up` (`pulumi config set --secret`): {names}", soft_wrap=True)


def _about(urn: str) -> str:
    return f"{urn.rpartition('::')[2]}: " if urn else ""


def _tree(made: Plan) -> Tree:
    """Components as branches; on each, its resources by type with their number."""
    resources = made.capture.resources
    known = {resource.urn for resource in resources}
    root = Tree(made.stack, guide_style="dim")
    _grow(root, [resource for resource in resources if resource.parent not in known], resources)
    return root


def _grow(branch: Tree, children: list[Resource], everything: tuple[Resource, ...]) -> None:
    counts: dict[str, int] = {}
    for child in children:
        inner = [resource for resource in everything if resource.parent == child.urn]
        if child.custom and not inner:
            counts[child.type] = counts.get(child.type, 0) + 1
        else:
            label = f"[bold]{child.name}[/] [dim]{child.type}[/]" + (" protected" if child.options.protect else "")
            _grow(branch.add(label), inner, everything)
    for token, count in counts.items():
        branch.add(f"{token}" + (f" x {count}" if count > 1 else ""))


def _show_bill(part: PlatformPart) -> None:
    bill = part.bill
    columns = ("USD a month", "fixed", "minimum", "expected", "maximum", "how")
    rows = [
        (f"{line.group}: {line.what}", *_usd(line.usd_per_month), _how(line.price.usd, line.price.per, line.note))
        for line in merged(bill.lines)
    ]
    table(f"bill (tier {part.settings.tier}, {part.settings.region}, on demand)", columns, rows)
    stdout.print(f"[bold]sum[/]: {_sums(bill.total)}", soft_wrap=True)
    for note in bill.notes:
        stdout.print(f"note: {note}", soft_wrap=True)
    _show_reconciliation(part)


def _show_reconciliation(part: PlatformPart) -> None:
    split = part.reconciliation
    span = f"{split.reference.low:,.0f}" + (
        f" to {split.reference.high:,.0f}" if split.reference.high != split.reference.low else ""
    )
    table(
        f"against the reference figures (about {span} a month, about {FIXED_USD:,.0f} of it fixed)",
        ("USD a month", "fixed", "minimum", "expected", "maximum"),
        [
            (
                "what the reference counts: system nodes and their volumes, load balancer, main workers",
                *_usd(split.counted_usd),
            ),
            *((f"  it leaves out: {group}", *_usd(cases)) for group, cases in _left_out(part)),
            ("this bill", *_usd(part.bill.total)),
        ],
    )


def _left_out(part: PlatformPart) -> Iterator[tuple[str, Cases]]:
    groups: dict[str, Cases] = {}
    for line in part.reconciliation.left_out:
        name = line.group if line.group != "workers" else f"workers: {line.what.partition(',')[0]}"
        groups[name] = groups.get(name, Cases.always(0)) + line.usd_per_month
    return iter(groups.items())


def _show_capacity(pools: tuple[PoolCapacity, ...]) -> None:
    rows = [
        (
            entry.pool,
            case,
            entry.pods,
            "no figure" if entry.qps is None else f"{entry.qps:,.0f}",
            _p99(entry.p99_ms),
            entry.source,
        )
        for pool in pools
        for case, entry in (("minimum", pool.minimum), ("expected", pool.expected), ("maximum", pool.maximum))
    ]
    table("capacity within the latency goal", ("pool", "at", "pods", "QPS", "p99 ms", "where from"), rows)


def _show_fit(part: PlatformPart) -> None:
    fit = part.fit
    if fit is None:
        return
    whole = fit.num_nodes
    rows = [
        (
            "CPU, cores",
            f"{fit.requested.cpu_millicores / 1000:.2f}",
            f"{whole * fit.allocatable.cpu_millicores / 1000:.2f}",
        ),
        ("memory, GiB", f"{fit.requested.memory_mib / 1024:.1f}", f"{whole * fit.allocatable.memory_mib / 1024:.1f}"),
        ("pods", str(fit.requested.pods), str(whole * fit.allocatable.pods)),
    ]
    verdict = "fit, also with one node lost" if fit.survives else "fit" if fit.fits else "do not fit"
    table(f"system pods {verdict} ({whole} x {fit.node_type})", ("", "requested", "allocatable"), rows)


def show_comparison(made: Plan, after: Plan, comparison: Comparison) -> None:
    """What the other tier costs and answers, and which resources it changes."""
    assert made.platform, made.stack
    assert after.platform, made.stack
    before_total, after_total = made.platform.bill.total, after.platform.bill.total
    title = f"from {made.platform.settings.tier} to {after.platform.settings.tier}"
    change = after_total + before_total.times(-1)
    table(
        title,
        ("USD a month", "fixed", "minimum", "expected", "maximum"),
        [("now", *_usd(before_total)), ("then", *_usd(after_total)), ("change", *_usd(change))],
    )
    _show_capacity(after.platform.capacity)
    for word, resources in (("added", comparison.added), ("removed", comparison.removed)):
        table(word, ("type", "name"), [(resource.type, resource.name) for resource in resources])
    rows = [(change.resource, change.path, change.before, change.after) for change in comparison.changed]
    table("changed inputs", ("resource", "input", "now", "then"), [_short(row) for row in rows[:SHOWN_CHANGES]])
    if len(rows) > SHOWN_CHANGES:
        stdout.print(f"... and {len(rows) - SHOWN_CHANGES} more; --json has them all")


def _short(row: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(cell if len(cell) <= 60 else f"{cell[:57]}..." for cell in row)


def _usd(cases: Cases) -> tuple[str, str, str, str]:
    return (f"{cases.fixed:,.2f}", f"{cases.minimum:,.2f}", f"{cases.expected:,.2f}", f"{cases.maximum:,.2f}")


def _sums(cases: Cases) -> str:
    fixed, minimum, expected, maximum = _usd(cases)
    return f"fixed {fixed}, minimum {minimum}, expected {expected}, maximum {maximum} USD a month"


def _how(usd: float, per: str, note: str) -> str:
    return f"{usd:g} a {per}" + (f"; {note}" if note else "")


def _p99(p99_ms: float | None) -> str:
    return "" if p99_ms is None else f"{p99_ms:g}"
