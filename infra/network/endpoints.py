"""Ways to AWS's services that stay inside the VPC: a free gateway for S3, and interfaces for the services that are named.

The gateway's policy lets nodes reach our buckets and the few of AWS's own that a node cannot start without.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import pulumi
from pulumi_aws import ec2, vpc

from infra.account import Account
from infra.identity.policy_document import Condition, PolicyDocument, PrincipalKind, Principals, Statement
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
