"""Ways to AWS's services inside the VPC: a free gateway for S3, and interfaces for the services that are named.

The gateway's policy lets nodes reach our buckets and the few of AWS's own that a node cannot start without.
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


READ_OBJECTS = ("s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:GetBucketLocation")
WRITE_OBJECTS = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:DeleteObject")
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

_PULL = (
    "ecr:GetAuthorizationToken",
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)
INTERFACE_ACTIONS: Mapping[InterfaceEndpoint, Sequence[str]] = {
    InterfaceEndpoint.ECR_API: (*_PULL, "ecr:DescribeImages", "ecr:DescribeRepositories"),
    InterfaceEndpoint.ECR_DKR: _PULL,
    InterfaceEndpoint.STS: ("sts:AssumeRoleWithWebIdentity", "sts:AssumeRole", "sts:GetCallerIdentity"),
    InterfaceEndpoint.LOGS: (
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "logs:DescribeLogStreams",
    ),
    InterfaceEndpoint.SQS: ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:GetQueueAttributes"),
}
"""What passes through each interface; not EC2, where controllers use too many actions and their roles limit them."""


def gateway_policy(account: Account, vpc_id: pulumi.Input[str]) -> PolicyDocument:
    """Through S3's gateway: our account's buckets, and reads of the buckets that nodes cannot start without."""
    own = Condition(operator="StringEquals", key="aws:ResourceAccount", values=(account.account_id,))
    arn = f"arn:{account.partition}:s3:::"
    stores = [store.format(region=account.region) for store in PUBLIC_STORES] + [QUAY_STORE]
    return PolicyDocument(
        statements=(
            Statement(
                sid="OurBuckets",
                actions=(*READ_OBJECTS, *WRITE_OBJECTS),
                resources=(f"{arn}*",),
                principals=EVERYONE,
                conditions=(own,),
            ),
            Statement(
                sid="PublicImagesAndPackages",
                actions=("s3:GetObject",),
                resources=tuple(f"{arn}{store}/*" for store in stores),
                principals=EVERYONE,
                conditions=(_from_vpc(vpc_id),),
            ),
        )
    )


def interface_policy(interface: InterfaceEndpoint, vpc_id: pulumi.Input[str]) -> PolicyDocument | None:
    """What passes through one interface; None where the callers' roles are the only limit.

    The caller's account cannot be asked for: a pod that takes its role by web identity has none yet.
    """
    if interface not in INTERFACE_ACTIONS:
        return None
    statement = Statement(
        sid="OnlyWhatNodesNeed",
        actions=INTERFACE_ACTIONS[interface],
        resources=("*",),
        principals=EVERYONE,
        conditions=(_from_vpc(vpc_id),),
    )
    return PolicyDocument(statements=(statement,))


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
        policy = interface_policy(interface, self._args.vpc_id)
        return ec2.VpcEndpoint(
            name,
            vpc_id=self._args.vpc_id,
            service_name=self._service(interface.value),
            vpc_endpoint_type="Interface",
            subnet_ids=list(self._args.subnet_ids),
            security_group_ids=[group_id],
            private_dns_enabled=True,
            policy=policy.json() if policy else None,
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
