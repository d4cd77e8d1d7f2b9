from collections import Counter

import pytest

from infra.network.endpoints import InterfaceEndpoint
from infra.network.network import NatMode, Network, NetworkArgs
from infra.policies.judged import UNKNOWN
from stacks.capture.resource import Resource, creation_order
from stacks.capture.run import Capture
from tests.infra.aws import ACCOUNT, ZONES, is_component_tree, run, statements

ALL = frozenset(InterfaceEndpoint)
SUBNET = "aws:ec2/subnet:Subnet"
ROUTE = "aws:ec2/route:Route"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"


def args(nat: NatMode = NatMode.ONE, interfaces: frozenset[InterfaceEndpoint] = frozenset()) -> NetworkArgs:
    return NetworkArgs(
        account=ACCOUNT,
        cluster_name="stillhouse-test",
        zones=ZONES,
        nat=nat,
        interface_endpoints=interfaces,
        tags={"stillhouse": "test"},
    )


def made(network_args: NetworkArgs, *, preview: bool = False) -> Capture:
    return run(lambda: Network("net", network_args), preview=preview)


def route(captured: Capture, zone: str) -> Resource:
    return captured.one(ROUTE, f"net-private-{zone}-nat")


def test_all_hangs_below_the_component() -> None:
    is_component_tree(made(args(interfaces=ALL)), "stillhouse:network:Network")


def test_one_gateway_serves_every_zone() -> None:
    captured = made(args(NatMode.ONE))
    assert len(captured.of_type("aws:ec2/natGateway:NatGateway")) == 1
    assert len({route(captured, zone).inputs["natGatewayId"] for zone in ZONES}) == 1


def test_each_zone_has_its_own_gateway_in_its_own_public_subnet() -> None:
    captured = made(args(NatMode.PER_ZONE))
    for zone in ZONES:
        gateway = captured.one("aws:ec2/natGateway:NatGateway", f"net-nat-{zone}")
        assert gateway.inputs["subnetId"] == captured.one(SUBNET, f"net-public-{zone}").outputs["id"]
        assert route(captured, zone).inputs["natGatewayId"] == gateway.outputs["id"]


def test_nothing_in_a_subnet_gets_a_public_address_by_itself() -> None:
    assert all(subnet.inputs["mapPublicIpOnLaunch"] is False for subnet in made(args()).of_type(SUBNET))


def test_subnets_say_which_balancers_belong_in_them() -> None:
    captured = made(args())
    private, public = captured.one(SUBNET, "net-private-us-west-2a"), captured.one(SUBNET, "net-public-us-west-2a")
    assert private.inputs["tags"] == {
        "stillhouse": "test",
        "kubernetes.io/role/internal-elb": "1",
        "karpenter.sh/discovery": "stillhouse-test",
        "Name": "net-private-us-west-2a",
    }
    tags = public.inputs["tags"]
    assert isinstance(tags, dict)
    assert tags["kubernetes.io/role/elb"] == "1"


def test_the_default_security_group_is_closed() -> None:
    group = made(args()).one("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert group.inputs["ingress"] == []
    assert group.inputs["egress"] == []


def test_gateways_wait_for_the_way_to_the_internet_and_go_before_it() -> None:
    captured = made(args())
    order = [resource.name for resource in creation_order(captured.resources)]
    assert order.index("net-public-internet") < order.index("net-nat-us-west-2a")
    internet = captured.one(ROUTE, "net-public-internet")
    assert internet.urn in captured.one("aws:ec2/natGateway:NatGateway").depends_on


def test_s3_is_reached_by_its_gateway_from_every_private_table() -> None:
    captured = made(args())
    gateway = captured.one(ENDPOINT)
    tables = [captured.one("aws:ec2/routeTable:RouteTable", f"net-private-{zone}-table") for zone in ZONES]
    assert gateway.inputs["routeTableIds"] == [table.outputs["id"] for table in tables]
    assert gateway.inputs["serviceName"] == "com.amazonaws.us-west-2.s3"


def test_interfaces_stand_in_every_private_subnet_behind_one_group() -> None:
    captured = made(args(interfaces=frozenset({InterfaceEndpoint.ECR_API, InterfaceEndpoint.STS})))
    interfaces = [
        endpoint for endpoint in captured.of_type(ENDPOINT) if endpoint.inputs["vpcEndpointType"] == "Interface"
    ]
    assert {endpoint.inputs["serviceName"] for endpoint in interfaces} == {
        "com.amazonaws.us-west-2.ecr.api",
        "com.amazonaws.us-west-2.sts",
    }
    group = captured.one("aws:ec2/securityGroup:SecurityGroup")
    for endpoint in interfaces:
        assert len(endpoint.inputs["subnetIds"]) == 3  # type: ignore[arg-type]
        assert endpoint.inputs["securityGroupIds"] == [group.outputs["id"]]
        assert endpoint.inputs["privateDnsEnabled"] is True
    rule = captured.one("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert (rule.inputs["fromPort"], rule.inputs["toPort"], rule.inputs["cidrIpv4"]) == (443, 443, "10.0.0.0/16")


def test_flow_logs_are_kept_only_where_asked() -> None:
    assert not made(args()).of_type("aws:ec2/flowLog:FlowLog")
    captured = run(
        lambda: Network("net", NetworkArgs(account=ACCOUNT, cluster_name="c", zones=ZONES, flow_log_retention_days=14))
    )
    group = captured.one("aws:cloudwatch/logGroup:LogGroup")
    assert group.inputs["retentionInDays"] == 14
    assert group.inputs["kmsKeyId"] == captured.one("aws:kms/key:Key").outputs["arn"]
    logged = captured.one("aws:ec2/flowLog:FlowLog")
    assert logged.inputs["trafficType"] == "ALL"
    assert logged.inputs["logDestination"] == group.outputs["arn"]
    assert captured.one("aws:iam/rolePolicy:RolePolicy").urn in logged.depends_on
    key = statements(captured.one("aws:kms/key:Key"))
    expected = "arn:aws:logs:us-west-2:123456789012:log-group:/stillhouse/c/flow"
    assert key["LogsUse"]["Condition"]["ArnEquals"] == {"kms:EncryptionContext:aws:logs:arn": [expected]}


def test_a_preview_declares_the_same_resources_with_unknown_ids() -> None:
    update, preview = made(args(interfaces=ALL)), made(args(interfaces=ALL), preview=True)
    assert Counter(r.urn for r in update.resources) == Counter(r.urn for r in preview.resources)
    assert route(preview, ZONES[0]).inputs["natGatewayId"] is UNKNOWN


@pytest.mark.parametrize(
    ("zones", "message"),
    [
        (("eu-west-1a", "us-west-2b"), "eu-west-1a.*allowed are zones of us-west-2"),
        (("us-west-2a", "us-west-2a"), "each zone once"),
    ],
)
def test_wrong_zones_are_refused(zones: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NetworkArgs(account=ACCOUNT, cluster_name="c", zones=zones)


def test_too_few_zones_are_refused() -> None:
    with pytest.raises(ValueError, match="as EKS needs two"):
        run(lambda: Network("net", NetworkArgs(account=ACCOUNT, cluster_name="c", zones=("us-west-2a",))))
