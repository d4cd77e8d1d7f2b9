"""What objects in the cluster make AWS bill: workers of Karpenter's pools, volumes, and the load balancer."""

from collections.abc import Mapping

from infra.nodes.instance_types import instance_type
from stacks.bill.aws_rules import GP3_FREE_IOPS, GP3_FREE_MIBPS, Rule, volume_lines
from stacks.bill.context import Context, at, mappings, number
from stacks.bill.line import Cases, Line
from stacks.bill.quantities import cores, gib
from stacks.capture.resource import Resource
from stacks.capture.values import Value
from stacks.prices import PRICES, instance_price
from stacks.settings.nodes import PoolSettings

NODE_POOL = "kubernetes:karpenter.sh/v1:NodePool"
NODE_CLASS = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
_INSTANCE_TYPE = "node.kubernetes.io/instance-type"
_CAPACITY_TYPE = "karpenter.sh/capacity-type"


def pool_lines(resource: Resource, context: Context) -> list[Line]:
    """The nodes of a pool: at its limit as the object says, at quiet and usual hours as the settings say."""
    name = str(at(resource.inputs, "metadata", "name"))
    settings = _pool_settings(context, name)
    type_name = _requirement(resource, _INSTANCE_TYPE)[0]
    maximum = nodes_at_limit(resource)
    nodes = Cases(
        fixed=0,
        minimum=min(settings.minimum, maximum),
        expected=min(settings.expected, maximum),
        maximum=maximum,
    )
    capacity = _requirement(resource, _CAPACITY_TYPE)
    workers = Line(
        group="workers",
        what=f"{type_name} node of pool {name}",
        resource=resource.name,
        quantity=nodes,
        price=instance_price(type_name),
        in_reference=name == main_pool(context),
        note=_capacity_note(capacity),
    )
    return [workers, *_pool_volumes(resource, context, nodes, name)]


def _pool_volumes(resource: Resource, context: Context, nodes: Cases, pool: str) -> list[Line]:
    reference = at(resource.inputs, "spec", "template", "spec", "nodeClassRef", "name")
    for node_class in context.capture.of_type(NODE_CLASS):
        if at(node_class.inputs, "metadata", "name") == reference:
            disk = at(node_class.inputs, "spec", "blockDeviceMappings", 0, "ebs")
            size = at(disk, "volumeSize")
            assert isinstance(size, str | int | float), node_class.name
            return volume_lines(
                group="workers",
                what=f"volume of a {pool} node",
                resource=node_class.name,
                count=nodes,
                size_gib=gib(size),
                iops=number(disk, "iops", default=GP3_FREE_IOPS),
                throughput_mibps=number(disk, "throughput", default=GP3_FREE_MIBPS),
            )
    raise AssertionError(f"{resource.name}: no EC2NodeClass {reference}")


def nodes_at_limit(pool: Resource) -> int:
    """How many nodes of its type fit into a pool's limits."""
    node = instance_type(_requirement(pool, _INSTANCE_TYPE)[0])
    limits = at(pool.inputs, "spec", "limits")
    assert isinstance(limits, Mapping), f"{pool.name} has no limits"
    amounts: dict[str, float] = {"cpu": node.vcpus, "memory": node.memory_gib, "nodes": 1, "nvidia.com/gpu": node.gpus}
    fits = []
    for resource, limit in limits.items():
        assert isinstance(limit, str | int | float), resource
        amount = gib(limit) if resource == "memory" else cores(limit)
        if amounts[resource]:
            fits.append(int(amount / amounts[resource] + 1e-9))
    return min(fits)


def main_pool(context: Context) -> str:
    """The pool that the tier is about: GPU workers where it has any, CPU workers otherwise."""
    return "gpu" if context.settings.nodes.gpu.expected else "cpu"


def _pool_settings(context: Context, name: str) -> PoolSettings:
    pools = {"cpu": context.settings.nodes.cpu, "gpu": context.settings.nodes.gpu}
    assert name in pools, f"a pool without settings: {name}"
    return pools[name]


def _requirement(pool: Resource, key: str) -> list[str]:
    requirements = at(pool.inputs, "spec", "template", "spec", "requirements")
    assert isinstance(requirements, list), pool.name
    for requirement in requirements:
        values = at(requirement, "values")
        if at(requirement, "key") == key and isinstance(values, list):
            return [str(value) for value in values]
    raise AssertionError(f"{pool.name} has no requirement on {key}")


def _capacity_note(capacity: list[str]) -> str:
    if "spot" in capacity:
        return "spot: this is the list price, an upper bound"
    if "reserved" in capacity:
        return "reserved: AWS bills the reservation whether nodes run or not"
    return ""


def release_lines(resource: Resource, context: Context) -> list[Line]:
    """A chart's load balancers and volumes, which only its values tell of."""
    return [*balancer_lines(resource, context), *claimed_volumes(resource, context)]


def balancer_lines(resource: Resource, context: Context) -> list[Line]:
    """A network load balancer for each Service of that type, written out or among a chart's values."""
    lines = []
    for mapping in mappings(dict(resource.inputs)):
        if mapping.get("type") == "LoadBalancer":
            units = context.settings.usage.load_balancer_units
            lines += [
                Line(
                    group="load balancer",
                    what="network load balancer, hours",
                    resource=resource.name,
                    quantity=Cases.always(1),
                    price=PRICES["load_balancer"],
                    in_reference=True,
                ),
                Line(
                    group="load balancer",
                    what="network load balancer, capacity units",
                    resource=resource.name,
                    quantity=Cases.always(units),
                    price=PRICES["load_balancer_unit"],
                    assumed=True,
                    in_reference=True,
                    note=f"assumes {units:g} NLCU in an average hour",
                ),
            ]
    return lines


def claimed_volumes(resource: Resource, context: Context) -> list[Line]:
    """Volumes that a chart's values or an object claim, once for each replica."""
    lines = []
    for replicas, size, what in _claims(dict(resource.inputs), 1):
        lines += volume_lines(
            group="storage",
            what=what,
            resource=resource.name,
            count=Cases.always(replicas),
            size_gib=size,
        )
    return lines


def _claims(value: Value, replicas: float, name: str = "") -> list[tuple[float, float, str]]:
    """(replicas, GiB, in words) of every claim inside; `replicas` is that of the nearest mapping around it."""
    if isinstance(value, list | tuple):
        return [claim for inner in value for claim in _claims(inner, replicas, name)]
    if not isinstance(value, Mapping):
        return []
    here = value.get("replicas", replicas)
    count = float(here) if isinstance(here, int | float) else replicas
    size = at(value, "spec", "resources", "requests", "storage")
    if name.startswith("volumeClaimTemplate") and isinstance(size, str | int | float):
        return [(count, gib(size), "claimed volume")]
    persistent = at(value, "size")
    if name == "persistence" and value.get("enabled") is True and isinstance(persistent, str | int | float):
        return [(count, gib(persistent), "claimed volume")]
    return [claim for key, inner in value.items() for claim in _claims(inner, count, key)]


def _claim_object(resource: Resource, context: Context) -> list[Line]:
    size = at(resource.inputs, "spec", "resources", "requests", "storage")
    assert isinstance(size, str | int | float), resource.name
    return volume_lines(
        group="storage", what="claimed volume", resource=resource.name, count=Cases.always(1), size_gib=gib(size)
    )


def _nothing(resource: Resource, context: Context) -> list[Line]:
    return []


KUBERNETES_RULES: Mapping[str, Rule] = {
    NODE_POOL: pool_lines,
    NODE_CLASS: _nothing,
    "kubernetes:helm.sh/v3:Release": release_lines,
    "kubernetes:core/v1:PersistentVolumeClaim": _claim_object,
    "kubernetes:core/v1:Service": balancer_lines,
    "kubernetes:apps/v1:StatefulSet": claimed_volumes,
}
"""Type token -> what it makes AWS bill; other kinds run on nodes that are counted."""
