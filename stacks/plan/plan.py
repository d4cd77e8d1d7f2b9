"""A stack's name -> what its program declares, costs and answers, and what speaks against it; nothing is contacted."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from infra.policies.catalogue import judge
from infra.policies.rule import Finding, Level
from stacks.bill.bill import Bill, bill
from stacks.bill.context import Context
from stacks.bill.kubernetes_rules import main_pool
from stacks.bill.reference import Reconciliation, reconcile
from stacks.capacity import BENCH_REPORT, Capacity, Pool, capacity
from stacks.capture.judged import judged
from stacks.capture.resource import creation_order
from stacks.capture.run import Capture, capture
from stacks.fit import Fit, fit
from stacks.plan.own_findings import (
    bill_findings,
    fit_findings,
    placeholder_findings,
    reach_findings,
    support_findings,
)
from stacks.plan.release_fit import release_findings
from stacks.programs import RELEASES_SUFFIX, known_stacks, program_of, stack_file
from stacks.settings.read import read_settings
from stacks.settings.secret_settings import needed_secrets
from stacks.settings.settings import Settings, Tier
from stacks.settings.stack_config import PROJECT, STACKS_FOLDER, StackConfig, config_of_file, refused_in
from stacks.system_pods import system_pods_of

PLACEHOLDER_SECRET = "not-decrypted"  # noqa: S105
"""Stands for every encrypted value: a plan can decrypt nothing, and needs nothing decrypted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolCapacity:
    """What a pool answers at each size."""

    minimum: Capacity
    expected: Capacity
    maximum: Capacity


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformPart:
    """What only a platform stack has."""

    settings: Settings
    bill: Bill
    reconciliation: Reconciliation
    capacity: tuple[PoolCapacity, ...]
    """Of each pool that is made; the tier's main pool first."""
    fit: Fit | None
    """None where the program does not tell its pods' requests."""
    missing_secrets: tuple[str, ...]
    """Secrets that the settings ask for and the file does not hold yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A stack before it exists."""

    stack: str
    capture: Capture
    findings: tuple[Finding, ...]
    platform: PlatformPart | None
    """None for a releases stack: its pods fill workers that the platform's bill counts."""

    @property
    def is_forbidden(self) -> bool:
        """Whether a mandatory rule is broken."""
        return any(finding.level is Level.MANDATORY for finding in self.findings)


def make_plan(
    stack: str,
    *,
    tier: Tier | None = None,
    folder: Path = STACKS_FOLDER,
    bench: Path = BENCH_REPORT,
    today: date | None = None,
) -> Plan:
    """Run the stack's program in the capture and judge what it declares.

    Args:
        stack: `prod`, `prod-releases`.
        tier: instead of the one in the stack's file.
        folder: of the stack files.
        bench: an own benchmark's figures, if it has run.
        today: whose day support must cover; None: the day of the run.

    Raises:
        UserError: no such stack, or a wrong setting.
    """
    config = config_of_file(stack_file(stack, folder))
    if tier is not None:
        config = replace(config, values={**config.values, f"{PROJECT}:tier": tier})
    if stack.endswith(RELEASES_SUFFIX):
        captured = _captured(stack, config, {})
        found = (*_judged(captured), *_release_findings(stack, captured, folder))
        return Plan(stack=stack, capture=captured, findings=_ordered(found), platform=None)
    settings = read_settings(config)
    secrets = {f"{PROJECT}:{name}": PLACEHOLDER_SECRET for name in needed_secrets(settings)}
    captured = _captured(stack, config, secrets)
    part = _platform_part(captured, settings, config, bench)
    own = (
        *placeholder_findings(settings),
        *reach_findings(settings),
        *support_findings(settings, today or datetime.now(UTC).date()),
        *fit_findings(part.fit),
        *bill_findings(part.bill),
    )
    return Plan(stack=stack, capture=captured, findings=_ordered((*_judged(captured), *own)), platform=part)


def _captured(stack: str, config: StackConfig, secrets: Mapping[str, str]) -> Capture:
    """In creation order, which is the same on every run; the order of registration is not."""
    held = dict.fromkeys(config.secret_keys, PLACEHOLDER_SECRET)
    with refused_in(config.place):
        captured = capture(
            program_of(stack),
            project=PROJECT,
            stack=stack,
            config={**config.as_pulumi(), **held, **secrets},
            secrets=frozenset({*config.secret_keys, *secrets}),
        )
    by_urn = sorted(captured.resources, key=lambda resource: resource.urn)
    return replace(captured, resources=tuple(creation_order(by_urn)))


def _judged(captured: Capture) -> tuple[Finding, ...]:
    """What is only read belongs to somebody else."""
    return tuple(judge([judged(resource) for resource in captured.resources if not resource.read]))


def _release_findings(stack: str, captured: Capture, folder: Path) -> Iterator[Finding]:
    """Against the platform of the same environment, where this folder has its file."""
    environment = stack.removesuffix(RELEASES_SUFFIX)
    if environment in known_stacks(folder):
        yield from release_findings(captured, read_settings(config_of_file(stack_file(environment, folder))))


def _ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Mandatory ones first."""
    return tuple(
        sorted(findings, key=lambda one: (one.level is not Level.MANDATORY, one.rule, one.resource, one.message))
    )


def _platform_part(captured: Capture, settings: Settings, config: StackConfig, bench: Path) -> PlatformPart:
    cost = bill(captured, settings)
    requests = system_pods_of(captured.outputs)
    system = settings.nodes.system
    main = main_pool(Context(capture=captured, settings=settings))
    pools: tuple[Pool, Pool] = ("gpu", "cpu") if main == "gpu" else ("cpu", "gpu")
    return PlatformPart(
        settings=settings,
        bill=cost,
        reconciliation=reconcile(cost, settings.tier),
        capacity=tuple(
            _pool_capacity(settings, pool, bench) for pool in pools if getattr(settings.nodes, pool).maximum
        ),
        fit=None if requests is None else fit(requests, type_name=system.instance_type, num_nodes=system.count),
        missing_secrets=tuple(
            name for name in needed_secrets(settings) if f"{PROJECT}:{name}" not in config.secret_keys
        ),
    )


def _pool_capacity(settings: Settings, pool: Pool, bench: Path) -> PoolCapacity:
    size = settings.nodes.gpu if pool == "gpu" else settings.nodes.cpu
    return PoolCapacity(
        minimum=capacity(settings, pool=pool, pods=size.minimum, bench=bench),
        expected=capacity(settings, pool=pool, pods=size.expected, bench=bench),
        maximum=capacity(settings, pool=pool, pods=size.maximum, bench=bench),
    )
