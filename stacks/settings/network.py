"""Section `network`: a VPC of our own, or one that is already there."""

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stacks.settings.part import Cidr, Part

InterfaceEndpointName = Literal["ecr.api", "ecr.dkr", "sts", "logs", "ec2", "sqs"]
ZoneLetter = Literal["a", "b", "c", "d", "e", "f"]


def _is_network(text: str) -> str:
    """Refuse host bits (10.0.1.0/16) and a range that no VPC takes or that leaves pods no room."""
    if not 16 <= IPv4Network(text).prefixlen <= 20:
        raise ValueError("a VPC's range is /16 to /20")
    return text


def _are_distinct(zones: tuple[ZoneLetter, ...]) -> tuple[ZoneLetter, ...]:
    if len(set(zones)) != len(zones):
        raise ValueError("a zone stands twice")
    return zones


class CreateNetwork(Part):
    """A VPC of our own with a public and a private subnet in every zone."""

    kind: Literal["create"]
    """Makes a VPC."""
    cidr: Annotated[Cidr, AfterValidator(_is_network)] = "10.0.0.0/16"
    """IPv4 range of the VPC, /16 to /20; nothing that it will be peered with may overlap."""
    zones: Annotated[tuple[ZoneLetter, ...], AfterValidator(_are_distinct)] = Field(
        default=("a", "b", "c"), min_length=2, max_length=4
    )
    """Letters of the availability zones to spread over; EKS needs two."""
    nat: Literal["one", "per_zone"]
    """Way out of the private subnets: `one` gateway for all zones (its zone's loss cuts all off), or one in each."""
    interface_endpoints: tuple[InterfaceEndpointName, ...]
    """AWS services that are reached without NAT, priced for each zone; the free S3 gateway endpoint is always there."""
    flow_log_retention_days: int | None = Field(default=None, ge=1)
    """Days for which records of every connection are kept in CloudWatch; null: no flow logs."""


class ExistingNetwork(Part):
    """A VPC that is already there; nothing in it is changed."""

    kind: Literal["existing"]
    """Takes a VPC by id."""
    vpc_id: str = Field(pattern=r"^vpc-[0-9a-f]{8,17}$")
    """Id of the VPC."""
    private_subnet_ids: tuple[Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")], ...] = Field(min_length=2)
    """Subnets for nodes and internal load balancer, one in each of two zones or more, with a way to AWS's services."""


NetworkSettings = Annotated[CreateNetwork | ExistingNetwork, Field(discriminator="kind")]
