"""A VPC over several zones: private subnets for nodes and pods, public ones for NAT, nothing open by default."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import pulumi
from pulumi_aws import ec2

from infra.account import Account
from infra.network.cidr import plan_subnets
from infra.network.endpoints import Endpoints, EndpointsArgs, InterfaceEndpoint
from infra.network.flow_logs import FlowLogs, FlowLogsArgs
from infra.network.outputs import NetworkOutputs
from infra.tags import named

ANYWHERE = "0.0.0.0/0"


class NatMode(Enum):
    """How the private subnets reach the internet."""

    ONE = "one"
    """One gateway: cheaper, and its zone's loss cuts all zones off from the internet."""
    PER_ZONE = "per_zone"
    """One gateway in each zone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkArgs:
    """Size and shape of the VPC."""

    account: Account
    cluster_name: str
    """The cluster that the subnets are tagged for."""
    cidr: str = "10.0.0.0/16"
    """Private IPv4 range, /16 to /20."""
    zones: Sequence[str]
    """Full names, e.g. `us-west-2a`; 2 to 4."""
    nat: NatMode = NatMode.ONE
    interface_endpoints: frozenset[InterfaceEndpoint] = frozenset()
    """Besides the S3 gateway, which is always there."""
    flow_log_retention_days: int | None = None
    """None: no flow logs."""
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        strangers = [zone for zone in self.zones if not zone.startswith(self.account.region)]
        if strangers:
            raise ValueError(f"zones: (got {', '.join(strangers)}); allowed are zones of {self.account.region}")
        if len(set(self.zones)) != len(self.zones):
            raise ValueError(f"zones: (got {list(self.zones)}); allowed is each zone once")


class Network(pulumi.ComponentResource):
    """The VPC; `outputs` is what a cluster takes."""

    vpc_id: pulumi.Output[str]
    private_subnet_ids: Sequence[pulumi.Output[str]]
    """In the order of the zones."""
    nat_gateway_ids: Sequence[pulumi.Output[str]]
    outputs: NetworkOutputs

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:network:Network", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        plan = plan_subnets(args.cidr, len(args.zones))
        self._vpc = self._make_vpc()
        public = self._subnets("public", [str(cidr) for cidr in plan.public], {"kubernetes.io/role/elb": "1"})
        private = self._subnets("private", [str(cidr) for cidr in plan.private], self._private_tags())
        gateways = self._nat_gateways(public, self._public_routes(public))
        tables = self._private_routes(private, gateways)
        Endpoints(
            f"{name}-endpoints",
            EndpointsArgs(
                account=args.account,
                vpc_id=self._vpc.id,
                vpc_cidr=args.cidr,
                subnet_ids=[subnet.id for subnet in private],
                route_table_ids=[table.id for table in tables],
                interfaces=args.interface_endpoints,
                tags=args.tags,
            ),
            opts=self._child,
        )
        self._flow_logs()
        self.vpc_id = self._vpc.id
        self.private_subnet_ids = [subnet.id for subnet in private]
        self.nat_gateway_ids = [gateway.id for gateway in gateways]
        self.outputs = NetworkOutputs(vpc_id=self.vpc_id, private_subnet_ids=self.private_subnet_ids)
        self.register_outputs(
            {
                "vpcId": self.vpc_id,
                "privateSubnetIds": self.private_subnet_ids,
                "natGatewayIds": self.nat_gateway_ids,
            }
        )

    def _private_tags(self) -> dict[str, str]:
        return {"kubernetes.io/role/internal-elb": "1", "karpenter.sh/discovery": self._args.cluster_name}

    def _make_vpc(self) -> ec2.Vpc:
        vpc = ec2.Vpc(
            f"{self._name}-vpc",
            cidr_block=self._args.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=named(self._args.tags, self._name),
            opts=self._child,
        )
        # Adopting the VPC's own group without rules closes it: whatever lands there by mistake reaches nothing.
        ec2.DefaultSecurityGroup(
            f"{self._name}-closed",
            vpc_id=vpc.id,
            ingress=[],
            egress=[],
            tags=named(self._args.tags, f"{self._name}-closed"),
            opts=self._child,
        )
        return vpc

    def _subnets(self, kind: str, cidrs: Sequence[str], tags: Mapping[str, str]) -> list[ec2.Subnet]:
        return [
            ec2.Subnet(
                f"{self._name}-{kind}-{zone}",
                vpc_id=self._vpc.id,
                availability_zone=zone,
                cidr_block=cidr,
                map_public_ip_on_launch=False,
                tags=named({**self._args.tags, **tags}, f"{self._name}-{kind}-{zone}"),
                opts=self._child,
            )
            for zone, cidr in zip(self._args.zones, cidrs, strict=True)
        ]

    def _public_routes(self, subnets: Sequence[ec2.Subnet]) -> ec2.Route:
        """One table for all public subnets; the route that it gives back is what NAT gateways need to work."""
        gateway = ec2.InternetGateway(
            f"{self._name}-internet",
            vpc_id=self._vpc.id,
            tags=named(self._args.tags, f"{self._name}-internet"),
            opts=self._child,
        )
        table = self._route_table("public", subnets)
        return ec2.Route(
            f"{self._name}-public-internet",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=gateway.id,
            opts=self._child,
        )

    def _nat_gateways(self, subnets: Sequence[ec2.Subnet], internet: ec2.Route) -> list[ec2.NatGateway]:
        count = 1 if self._args.nat is NatMode.ONE else len(subnets)
        return [
            self._nat_gateway(zone, subnet, internet)
            for zone, subnet in list(zip(self._args.zones, subnets, strict=True))[:count]
        ]

    def _nat_gateway(self, zone: str, subnet: ec2.Subnet, internet: ec2.Route) -> ec2.NatGateway:
        name = f"{self._name}-nat-{zone}"
        address = ec2.Eip(f"{name}-address", domain="vpc", tags=named(self._args.tags, name), opts=self._child)
        return ec2.NatGateway(
            name,
            allocation_id=address.id,
            subnet_id=subnet.id,
            tags=named(self._args.tags, name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[internet]),
        )

    def _private_routes(
        self, subnets: Sequence[ec2.Subnet], gateways: Sequence[ec2.NatGateway]
    ) -> list[ec2.RouteTable]:
        """A table for each zone, so that a zone may have a gateway of its own."""
        tables = []
        for position, (zone, subnet) in enumerate(zip(self._args.zones, subnets, strict=True)):
            table = self._route_table(f"private-{zone}", [subnet])
            ec2.Route(
                f"{self._name}-private-{zone}-nat",
                route_table_id=table.id,
                destination_cidr_block=ANYWHERE,
                nat_gateway_id=gateways[position % len(gateways)].id,
                opts=self._child,
            )
            tables.append(table)
        return tables

    def _route_table(self, kind: str, subnets: Sequence[ec2.Subnet]) -> ec2.RouteTable:
        name = f"{self._name}-{kind}"
        table = ec2.RouteTable(
            f"{name}-table", vpc_id=self._vpc.id, tags=named(self._args.tags, name), opts=self._child
        )
        for position, subnet in enumerate(subnets):
            ec2.RouteTableAssociation(
                f"{name}-association-{position}", subnet_id=subnet.id, route_table_id=table.id, opts=self._child
            )
        return table

    def _flow_logs(self) -> None:
        if self._args.flow_log_retention_days is None:
            return
        FlowLogs(
            f"{self._name}-flow",
            FlowLogsArgs(
                account=self._args.account,
                vpc_id=self._vpc.id,
                log_group_name=f"/stillhouse/{self._args.cluster_name}/flow",
                retention_days=self._args.flow_log_retention_days,
                tags=self._args.tags,
            ),
            opts=self._child,
        )
