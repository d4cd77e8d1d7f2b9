"""Each AWS resource costs what AWS asks for it."""

import pytest

from stacks.bill.aws_rules import AWS_RULES, volume_lines
from stacks.bill.line import Cases, Line
from stacks.capture.resource import Resource
from tests.stacks.bill.samples import context, resource


def _usd(lines: list[Line]) -> float:
    return sum(line.usd_per_month.fixed for line in lines)


def _priced(subject: Resource, *others: Resource) -> list[Line]:
    return AWS_RULES[subject.type](subject, context(subject, *others))


def test_a_control_plane_costs_73_usd() -> None:
    assert _usd(_priced(resource("eks:index:Cluster", "c", {}))) == pytest.approx(73)


def test_nodes_are_counted_with_their_volumes() -> None:
    disk = {"volumeSize": 30, "volumeType": "gp3"}
    template = resource("aws:ec2/launchTemplate:LaunchTemplate", "t", {"blockDeviceMappings": [{"ebs": disk}]})
    inputs = {"scalingConfig": {"desiredSize": 3}, "instanceTypes": ["m5.large"]}
    group = resource("aws:eks/nodeGroup:NodeGroup", "g", inputs, template)
    lines = _priced(group, template)
    assert _usd(lines) == pytest.approx(3 * 70.08 + 3 * 2.4)
    assert all(line.in_reference for line in lines)


def test_gateways_share_the_assumed_data() -> None:
    gateways = [resource("aws:ec2/natGateway:NatGateway", f"n{number}", {}) for number in range(3)]
    lines = [line for gateway in gateways for line in AWS_RULES[gateway.type](gateway, context(*gateways))]
    assert _usd([line for line in lines if not line.assumed]) == pytest.approx(3 * 32.85)
    assert _usd([line for line in lines if line.assumed]) == pytest.approx(300 * 0.045)


def test_an_interface_endpoint_costs_in_every_zone_and_a_gateway_endpoint_nothing() -> None:
    inputs = {"vpcEndpointType": "Interface", "subnetIds": ["a", "b", "c"]}
    interface = resource("aws:ec2/vpcEndpoint:VpcEndpoint", "i", inputs)
    gateway = resource("aws:ec2/vpcEndpoint:VpcEndpoint", "g", {"vpcEndpointType": "Gateway"})
    hours = [line for line in _priced(interface, gateway) if not line.assumed]
    assert _usd(hours) == pytest.approx(3 * 7.3)
    assert _priced(gateway, interface) == []


def test_log_groups_differ_by_what_they_take_in() -> None:
    control = resource("aws:cloudwatch/logGroup:LogGroup", "c", {"name": "/aws/eks/x/cluster", "retentionInDays": 90})
    flow = resource("aws:cloudwatch/logGroup:LogGroup", "f", {"name": "/aws/vpc/x", "retentionInDays": 30})
    assert _usd(_priced(control)) == pytest.approx(20 * 0.5 + 60 * 0.03)
    assert _usd(_priced(flow)) == pytest.approx(30 * 0.5 + 30 * 0.03)


@pytest.mark.parametrize(
    ("token", "usd"),
    [
        ("aws:kms/key:Key", 1),
        ("aws:ec2/eip:Eip", 3.65),
        ("aws:s3/bucket:Bucket", 300 * 0.023),
        ("aws:ecr/repository:Repository", 20 * 0.1),
    ],
)
def test_simple_prices(token: str, usd: float) -> None:
    assert _usd(_priced(resource(token, "x", {}))) == pytest.approx(usd)


def test_a_volume_pays_only_for_speed_beyond_what_is_free() -> None:
    def of(iops: float, throughput: float) -> float:
        return _usd(
            volume_lines(
                group="storage",
                what="v",
                resource="v",
                count=Cases.always(2),
                size_gib=100,
                iops=iops,
                throughput_mibps=throughput,
            )
        )

    assert of(3000, 125) == pytest.approx(2 * 8)
    assert of(3000, 600) == pytest.approx(2 * (8 + 19))
    assert of(4000, 600) == pytest.approx(2 * (8 + 19 + 5))
