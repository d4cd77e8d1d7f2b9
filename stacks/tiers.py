"""What a tier chooses wherever a stack file is silent: one row a setting, one column a tier."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stacks.settings.settings import Tier

TIERS: tuple[Tier, ...] = ("low", "medium", "high")
Value = str | int | float | tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A setting's default in each tier."""

    path: str
    """Dotted path below `stillhouse:`, e.g. `network.nat`."""
    low: Value
    medium: Value
    high: Value
    only_kind: str | None = None
    """The `kind` of the section that has this setting; None: the section has no kinds."""

    def of(self, tier: Tier) -> Value:
        """The tier's default."""
        by_tier: dict[Tier, Value] = {"low": self.low, "medium": self.medium, "high": self.high}
        return by_tier[tier]


def _row(path: str, low: Value, medium: Value, high: Value, only_kind: str | None = None) -> Row:
    return Row(path=path, low=low, medium=medium, high=high, only_kind=only_kind)


ALL_ENDPOINTS = ("ecr.api", "ecr.dkr", "sts", "logs")

TABLE: tuple[Row, ...] = (
    _row("network.kind", "create", "create", "create"),
    _row("network.nat", "one", "one", "per_zone", only_kind="create"),
    _row("network.interface_endpoints", (), (), ALL_ENDPOINTS, only_kind="create"),
    _row("cluster.log_retention_days", 7, 30, 90),
    _row("nodes.system.count", 2, 3, 3),
    _row("nodes.cpu.instance_type", "m5.2xlarge", "m5.2xlarge", "m5.2xlarge"),
    _row("nodes.cpu.minimum", 0, 0, 0),
    _row("nodes.cpu.expected", 1, 0, 0),
    _row("nodes.cpu.maximum", 1, 0, 1),
    _row("nodes.cpu.volume_throughput_mibps", 125, 250, 250),
    _row("nodes.gpu.instance_type", "g6.4xlarge", "g6.4xlarge", "g6.4xlarge"),
    _row("nodes.gpu.minimum", 0, 2, 4),
    _row("nodes.gpu.expected", 0, 2, 5),
    _row("nodes.gpu.maximum", 0, 3, 8),
    _row("nodes.gpu.volume_throughput_mibps", 600, 600, 600),
    _row("edge.replicas", 1, 2, 3),
    _row("edge.rate_limit_per_second", 500, 2_000, 4_000),
    _row("observability.retention_days", 7, 15, 30),
    _row("observability.storage_gib", 10, 50, 100),
    _row("observability.replicas", 1, 1, 2),
    _row("gitops.kind", "none", "none", "none"),
    _row("usage.nat_gib_per_month", 30, 150, 300),
    _row("usage.endpoint_gib_per_month", 0, 0, 200),
    _row("usage.control_plane_log_gib_per_month", 3, 10, 20),
    _row("usage.flow_log_gib_per_month", 2, 10, 30),
    _row("usage.artifact_gib", 20, 100, 300),
    _row("usage.image_gib", 10, 20, 20),
    _row("usage.load_balancer_units", 0.2, 1, 2),
)


def with_tier(given: Mapping[str, object], tier: Tier) -> dict[str, object]:
    """The stack file's sections with the tier's defaults where they are silent; `given` is left as it is."""
    merged: dict[str, object] = dict(given)
    for row in TABLE:
        merged = _filled(merged, tuple(row.path.split(".")), row, tier)
    return merged


def rows_below(section: str) -> Iterator[Row]:
    """The rows of a section, e.g. `network`."""
    return (row for row in TABLE if row.path.startswith(f"{section}."))


def _filled(place: Mapping[str, object], path: tuple[str, ...], row: Row, tier: Tier) -> dict[str, object]:
    name, *rest = path
    if rest:
        inner = place.get(name, {})
        if not isinstance(inner, Mapping):
            return dict(place)
        return {**place, name: _filled(inner, tuple(rest), row, tier)}
    if name in place or (row.only_kind is not None and place.get("kind") != row.only_kind):
        return dict(place)
    return {**place, name: row.of(tier)}
