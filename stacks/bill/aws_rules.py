"""What AWS bills of the resources that the program makes itself, one function a type."""

from collections.abc import Callable, Mapping

from stacks.bill.context import Context, at, number
from stacks.bill.line import Cases, Group, Line
from stacks.capture.resource import Resource
from stacks.prices import PRICES, instance_price

Rule = Callable[[Resource, Context], list[Line]]

GP3_FREE_IOPS = 3000
GP3_FREE_MIBPS = 125


def _control_plane(resource: Resource, context: Context) -> list[Line]:
    return [
        Line(
            group="control plane",
            what="EKS control plane",
            resource=resource.name,
            quantity=Cases.always(1),
            price=PRICES["eks_control_plane"],
            note="0.60 USD an hour once the Kubernetes version is in extended support",
        )
    ]


def _node_group(resource: Resource, context: Context) -> list[Line]:
    count = number(resource.inputs, "scalingConfig", "desiredSize")
    instance_type = str(at(resource.inputs, "instanceTypes", 0))
    nodes = Line(
        group="system nodes",
        what=f"{instance_type} node",
        resource=resource.name,
        quantity=Cases.always(count),
        price=instance_price(instance_type),
        in_reference=True,
    )
    template = context.needed_by(resource, "aws:ec2/launchTemplate:LaunchTemplate")
    assert template is not None, f"{resource.name} has no launch template"
    disk = at(template.inputs, "blockDeviceMappings", 0, "ebs")
    assert isinstance(disk, Mapping), template.name
    volume = volume_lines(
        group="system nodes",
        what="system node's volume",
        resource=template.name,
        count=Cases.always(count),
        size_gib=number(disk, "volumeSize"),
        iops=number(disk, "iops", default=GP3_FREE_IOPS),
        throughput_mibps=number(disk, "throughput", default=GP3_FREE_MIBPS),
        in_reference=True,
    )
    return [nodes, *volume]


def volume_lines(
    *,
    group: Group,
    what: str,
    resource: str,
    count: Cases,
    size_gib: float,
    iops: float = GP3_FREE_IOPS,
    throughput_mibps: float = GP3_FREE_MIBPS,
    in_reference: bool = False,
) -> list[Line]:
    """A gp3 volume's size, and its speed beyond what is free.

    Args:
        group: of the bill.
        what: in words.
        resource: that causes it.
        count: volumes.
        size_gib: of one volume.
        iops: of one volume; 3,000 are free.
        throughput_mibps: of one volume; 125 MiB/s are free.
        in_reference: whether the reference figures count it.
    """
    parts = [
        (f"{what}, {size_gib:g} GiB gp3", size_gib, "gp3"),
        (f"{what}, {throughput_mibps:g} MiB/s", max(0.0, throughput_mibps - GP3_FREE_MIBPS), "gp3_throughput"),
        (f"{what}, {iops:g} IOPS", max(0.0, iops - GP3_FREE_IOPS), "gp3_iops"),
    ]
    return [
        Line(
            group=group,
            what=words,
            resource=resource,
            quantity=count.times(units),
            price=PRICES[price],
            in_reference=in_reference,
        )
        for words, units, price in parts
        if units
    ]


def _nat(resource: Resource, context: Context) -> list[Line]:
    gateways = len(context.capture.of_type(resource.type))
    gib = context.settings.usage.nat_gib_per_month / gateways
    return [
        Line(
            group="network",
            what="NAT gateway, hours",
            resource=resource.name,
            quantity=Cases.always(1),
            price=PRICES["nat_gateway"],
        ),
        Line(
            group="network",
            what="NAT gateway, data",
            resource=resource.name,
            quantity=Cases.always(gib),
            price=PRICES["nat_data"],
            assumed=True,
            note=f"assumes {gib:g} GB a month",
        ),
    ]


def _address(resource: Resource, context: Context) -> list[Line]:
    return [
        Line(
            group="network",
            what="public IPv4 address",
            resource=resource.name,
            quantity=Cases.always(1),
            price=PRICES["public_ipv4"],
        )
    ]


def _endpoint(resource: Resource, context: Context) -> list[Line]:
    if at(resource.inputs, "vpcEndpointType") != "Interface":
        return []
    subnets = at(resource.inputs, "subnetIds")
    zones = len(subnets) if isinstance(subnets, list | tuple) else 1
    interfaces = [
        other for other in context.capture.of_type(resource.type) if at(other.inputs, "vpcEndpointType") == "Interface"
    ]
    gib = context.settings.usage.endpoint_gib_per_month / len(interfaces)
    lines = [
        Line(
            group="network",
            what=f"interface endpoint in {zones} zones",
            resource=resource.name,
            quantity=Cases.always(zones),
            price=PRICES["interface_endpoint"],
        )
    ]
    if gib:
        lines.append(
            Line(
                group="network",
                what="interface endpoint, data",
                resource=resource.name,
                quantity=Cases.always(gib),
                price=PRICES["endpoint_data"],
                assumed=True,
                note=f"assumes {gib:g} GB a month",
            )
        )
    return lines


def _key(resource: Resource, context: Context) -> list[Line]:
    return [
        Line(
            group="keys",
            what="KMS key",
            resource=resource.name,
            quantity=Cases.always(1),
            price=PRICES["kms_key"],
            note="1 USD more after each of the first two yearly rotations; requests beyond 20,000 a month are left out",
        )
    ]


def _log_group(resource: Resource, context: Context) -> list[Line]:
    usage = context.settings.usage
    name = str(at(resource.inputs, "name") or resource.name)
    ours = name.startswith("/aws/eks/")
    gib = usage.control_plane_log_gib_per_month if ours else usage.flow_log_gib_per_month
    days = number(resource.inputs, "retentionInDays")
    what = "control-plane logs" if ours else "flow logs"
    return [
        Line(
            group="logs",
            what=f"{what}, taken in",
            resource=resource.name,
            quantity=Cases.always(gib),
            price=PRICES["log_ingest"],
            assumed=True,
            note=f"assumes {gib:g} GB a month",
        ),
        Line(
            group="logs",
            what=f"{what}, kept {days:g} days",
            resource=resource.name,
            quantity=Cases.always(gib * days / 30),
            price=PRICES["log_storage"],
            assumed=True,
            note=f"assumes {gib:g} GB a month, uncompressed",
        ),
    ]


def _bucket(resource: Resource, context: Context) -> list[Line]:
    gib = context.settings.usage.artifact_gib
    return [
        Line(
            group="storage",
            what="artifact bucket",
            resource=resource.name,
            quantity=Cases.always(gib),
            price=PRICES["s3"],
            assumed=True,
            note=f"assumes {gib:g} GiB; requests are left out",
        )
    ]


def _registry(resource: Resource, context: Context) -> list[Line]:
    gib = context.settings.usage.image_gib
    return [
        Line(
            group="storage",
            what="image registry",
            resource=resource.name,
            quantity=Cases.always(gib),
            price=PRICES["ecr"],
            assumed=True,
            note=f"assumes {gib:g} GiB of compressed images",
        )
    ]


AWS_RULES: Mapping[str, Rule] = {
    "eks:index:Cluster": _control_plane,
    "aws:eks/nodeGroup:NodeGroup": _node_group,
    "aws:ec2/natGateway:NatGateway": _nat,
    "aws:ec2/eip:Eip": _address,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
    "aws:kms/key:Key": _key,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:ecr/repository:Repository": _registry,
}
"""Type token -> what it costs."""
