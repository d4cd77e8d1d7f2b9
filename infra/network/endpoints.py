"""Ways to AWS's services inside the VPC: a free gateway for S3, and interfaces for the services that are named.

Their policies grant nothing: they keep what our principals may do inside our account, so that nobody carries data into
another one, and leave open the few buckets and registries of others that a node cannot start without.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import pulumi
from pulumi_aws import ec2, vpc

from infra.account import Account
from infra.identity.policy_document import EVERYONE, Condition, PolicyDocument, Statement
from infra.tags import named


class InterfaceEndpoint(Enum):
    """A service that may have an interface endpoint; the value ends the service's name."""

    ECR_API = "ecr.api"
    ECR_DKR = "ecr.dkr"
    STS = "sts"
    LOGS = "logs"
    EC2 = "ec2"
    SQS = "sqs"


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointsArgs:
    """Where the endpoints stand and what may pass."""

    account: Account
    vpc_id: pulumi.Input[str]
    vpc_cidr: str
    """Range that may open connections to the interfaces."""
    subnet_ids: Sequence[pulumi.Input[str]]
    """One a zone; each interface costs its hourly price in every one."""
    route_table_ids: Sequence[pulumi.Input[str]]
    """Tables that get the route to S3."""
    interfaces: frozenset[InterfaceEndpoint] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)


PUBLIC_STORES = (
    "prod-{region}-starport-layer-bucket",
    "al2023-repos-{region}-de612dc2",
    "prod-registry-k8s-io-{region}",
)
"""Buckets of others that nodes read: ECR's image layers, Amazon Linux's packages, registry.k8s.io's layers.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html,
https://docs.aws.amazon.com/linux/al2023/ug/vpc-endpoints.html, https://registry.k8s.io (2026-11).
"""
QUAY_STORE = "quayio-production-s3"
"""Quay sends clients of its own region straight to its bucket, e.g. for the images of cert-manager."""

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


def gateway_policy(account: Account, vpc_id: pulumi.Input[str]) -> PolicyDocument:
    """Through S3's gateway: our principals to our buckets, and reads of the buckets that nodes cannot start without.

    Whoever runs Pulumi inside the VPC manages buckets this way too, so the account is the limit and not the action.
    """
    arn = f"arn:{account.partition}:s3:::"
    stores = [store.format(region=account.region) for store in PUBLIC_STORES] + [QUAY_STORE]
    # Layers and packages are fetched by signed addresses of their owners, or by nobody in particular.
    public = Statement(
        sid="PublicImagesAndPackages",
        actions=("s3:GetObject",),
        resources=tuple(f"{arn}{store}/*" for store in stores),
        principals=EVERYONE,
        conditions=(_from_vpc(vpc_id),),
    )
    return PolicyDocument(statements=(_ours("s3", account), public))


def interface_policy(interface: InterfaceEndpoint, account: Account, vpc_id: pulumi.Input[str]) -> PolicyDocument:
    """What passes through one interface: our principals' calls on what is ours, and what a service needs besides."""
    return PolicyDocument(statements=_passing(interface, account, vpc_id))


def _passing(interface: InterfaceEndpoint, account: Account, vpc_id: pulumi.Input[str]) -> tuple[Statement, ...]:
    match interface:
        case InterfaceEndpoint.ECR_API | InterfaceEndpoint.ECR_DKR:
            return _ours("ecr", account), _pull_of_others(account)
        case InterfaceEndpoint.STS:
            return _ours("sts", account), _web_identity(account, vpc_id)
        case InterfaceEndpoint.EC2:
            # A launch names images, which are Amazon's.
            return (_limit("OurPrincipals", ("ec2:*",), _is_ours("aws:PrincipalAccount", account)),)
        case InterfaceEndpoint.LOGS | InterfaceEndpoint.SQS:
            return (_ours(interface.value, account),)


def _ours(service: str, account: Account) -> Statement:
    """Calls that name no resource, e.g. for a token of the registry, carry no account of one."""
    return _limit(
        "OursToOurs",
        (f"{service}:*",),
        _is_ours("aws:PrincipalAccount", account),
        _is_ours("aws:ResourceAccount", account, "StringEqualsIfExists"),
    )


def _pull_of_others(account: Account) -> Statement:
    """The images of EKS's add-ons lie in registries of AWS's own accounts."""
    return _limit("OursPullFromOthers", PULL, _is_ours("aws:PrincipalAccount", account))


def _web_identity(account: Account, vpc_id: pulumi.Input[str]) -> Statement:
    """A pod that takes its role by a token of the cluster belongs to no account before it has the role."""
    return _limit(
        "PodsTakeOurRoles",
        ("sts:AssumeRoleWithWebIdentity",),
        _from_vpc(vpc_id),
        _is_ours("aws:ResourceAccount", account, "StringEqualsIfExists"),
    )


def _limit(sid: str, actions: Sequence[str], *conditions: Condition) -> Statement:
    return Statement(
        sid=sid, actions=actions, resources=("*",), principals=EVERYONE, conditions=conditions, limits=True
    )


def _is_ours(key: str, account: Account, operator: str = "StringEquals") -> Condition:
    return Condition(operator=operator, key=key, values=(account.account_id,))


def _from_vpc(vpc_id: pulumi.Input[str]) -> Condition:
    return Condition(operator="StringEquals", key="aws:SourceVpc", values=(vpc_id,))


class Endpoints(pulumi.ComponentResource):
    """The S3 gateway, and one interface for each service that is named, all behind one security group."""

    gateway_id: pulumi.Output[str]
    interface_ids: Mapping[InterfaceEndpoint, pulumi.Output[str]]

    def __init__(self, name: str, args: EndpointsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:network:Endpoints", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        gateway = ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=args.vpc_id,
            service_name=self._service("s3"),
            vpc_endpoint_type="Gateway",
            route_table_ids=list(args.route_table_ids),
            policy=gateway_policy(args.account, args.vpc_id).json(),
            tags=named(args.tags, f"{name}-s3"),
            opts=self._child,
        )
        self.gateway_id = gateway.id
        self.interface_ids = self._interfaces() if args.interfaces else {}
        self.register_outputs({"gatewayId": self.gateway_id})

    def _service(self, service: str) -> str:
        return f"com.amazonaws.{self._args.account.region}.{service}"

    def _interfaces(self) -> dict[InterfaceEndpoint, pulumi.Output[str]]:
        group = self._security_group()
        ordered = sorted(self._args.interfaces, key=lambda interface: interface.value)
        return {interface: self._interface(interface, group.id).id for interface in ordered}

    def _interface(self, interface: InterfaceEndpoint, group_id: pulumi.Output[str]) -> ec2.VpcEndpoint:
        name = f"{self._name}-{interface.value.replace('.', '-')}"
        policy = interface_policy(interface, self._args.account, self._args.vpc_id)
        return ec2.VpcEndpoint(
            name,
            vpc_id=self._args.vpc_id,
            service_name=self._service(interface.value),
            vpc_endpoint_type="Interface",
            subnet_ids=list(self._args.subnet_ids),
            security_group_ids=[group_id],
            private_dns_enabled=True,
            policy=policy.json(),
            tags=named(self._args.tags, name),
            opts=self._child,
        )

    def _security_group(self) -> ec2.SecurityGroup:
        name = f"{self._name}-interfaces"
        group = ec2.SecurityGroup(
            name,
            vpc_id=self._args.vpc_id,
            description="HTTPS from the VPC to AWS service endpoints",
            tags=named(self._args.tags, name),
            opts=self._child,
        )
        vpc.SecurityGroupIngressRule(
            f"{name}-https",
            security_group_id=group.id,
            description="HTTPS from the VPC",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4=self._args.vpc_cidr,
            tags=named(self._args.tags, f"{name}-https"),
            opts=self._child,
        )
        return group
