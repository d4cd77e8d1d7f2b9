"""A plan as one JSON document; its names are stable, because other programs read them."""

from typing import Any

from infra.policies.rule import Finding
from stacks.bill.line import Cases, Line
from stacks.capacity import Capacity
from stacks.capture.resource import Resource
from stacks.fit import Fit
from stacks.plan.compare import Comparison
from stacks.plan.plan import Plan, PlatformPart


def document(plan: Plan, *, seconds: float) -> dict[str, Any]:
    """The plan; `cost`, `capacity`, `fit` and `settings` are null for a releases stack."""
    part = plan.platform
    return {
        "stack": plan.stack,
        "tier": part.settings.tier if part else None,
        "settings": part.settings.model_dump(mode="json") if part else None,
        "missing_secrets": list(part.missing_secrets) if part else [],
        "cost": cost(part) if part else None,
        "capacity": [_pool(entry.minimum, entry.expected, entry.maximum) for entry in part.capacity] if part else None,
        "fit": _fit(part.fit) if part and part.fit else None,
        "resources": [resource_entry(resource) for resource in plan.capture.resources],
        "findings": [_finding(finding) for finding in plan.findings],
        "seconds": round(seconds, 2),
    }


def cost(part: PlatformPart) -> dict[str, Any]:
    """Sums, lines, and the reconciliation with the reference figures."""
    split = part.reconciliation
    return {
        **_cases(part.bill.total, "_usd_per_month"),
        "lines": [_line(line) for line in part.bill.lines],
        "notes": list(part.bill.notes),
        "unpriced": list(part.bill.unpriced),
        "reference": {
            "low_usd_per_month": split.reference.low,
            "high_usd_per_month": split.reference.high,
            "counted": _cases(split.counted_usd, "_usd_per_month"),
            "left_out": _cases(split.left_out_usd, "_usd_per_month"),
        },
    }


def comparison_document(comparison: Comparison, after: Plan) -> dict[str, Any]:
    """What would change, and the other tier's sums."""
    assert after.platform
    return {
        "tier": after.platform.settings.tier,
        "cost": _cases(after.platform.bill.total, "_usd_per_month"),
        "capacity": [_pool(entry.minimum, entry.expected, entry.maximum) for entry in after.platform.capacity],
        "added": [resource_entry(resource) for resource in comparison.added],
        "removed": [resource_entry(resource) for resource in comparison.removed],
        "changed": [
            {
                "resource": change.resource,
                "type": change.type,
                "path": change.path,
                "before": change.before,
                "after": change.after,
            }
            for change in comparison.changed
        ],
    }


def resource_entry(resource: Resource) -> dict[str, Any]:
    """One resource, without its inputs."""
    return {
        "urn": resource.urn,
        "type": resource.type,
        "name": resource.name,
        "parent": resource.parent or None,
        "component": not resource.custom,
        "protect": resource.options.protect,
        "retain_on_delete": resource.options.retain_on_delete,
        "depends_on": sorted(resource.depends_on),
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "group": line.group,
        "what": line.what,
        "resource": line.resource,
        "quantity": _cases(line.quantity, ""),
        "unit": line.price.per,
        "usd_per_unit": line.price.usd,
        "usd_per_month": _cases(line.usd_per_month, ""),
        "assumed": line.assumed,
        "in_reference": line.in_reference,
        "note": line.note,
        "source": line.price.source,
        "read": line.price.read.isoformat(),
    }


def _cases(cases: Cases, suffix: str) -> dict[str, float]:
    return {
        f"fixed{suffix}": round(cases.fixed, 2),
        f"minimum{suffix}": round(cases.minimum, 2),
        f"expected{suffix}": round(cases.expected, 2),
        f"maximum{suffix}": round(cases.maximum, 2),
    }


def _pool(minimum: Capacity, expected: Capacity, maximum: Capacity) -> dict[str, Any]:
    entries = {"minimum": minimum, "expected": expected, "maximum": maximum}
    return {
        "pool": expected.pool,
        **{
            case: {"pods": entry.pods, "qps": entry.qps, "p99_ms": entry.p99_ms, "source": entry.source}
            for case, entry in entries.items()
        },
    }


def _fit(fit: Fit) -> dict[str, Any]:
    return {
        "nodes": fit.num_nodes,
        "instance_type": fit.node_type,
        "fits": fit.fits,
        "survives_the_loss_of_a_node": fit.survives,
        "allocatable_per_node": {
            "cpu_millicores": fit.allocatable.cpu_millicores,
            "memory_mib": round(fit.allocatable.memory_mib),
            "pods": fit.allocatable.pods,
        },
        "requested": {
            "cpu_millicores": fit.requested.cpu_millicores,
            "memory_mib": round(fit.requested.memory_mib),
            "pods": fit.requested.pods,
        },
    }


def _finding(finding: Finding) -> dict[str, str]:
    return {
        "rule": finding.rule,
        "level": str(finding.level),
        "resource": finding.resource,
        "message": finding.message,
        "source": finding.source,
    }
