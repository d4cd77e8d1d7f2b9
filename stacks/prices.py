"""What AWS charges in us-west-2 on demand: one table, each price with its unit, its source and the day it was read."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from model.errors import UserError

REGION = "us-west-2"
"""The region that the table is for; a bill for another one says so."""
HOURS_PER_MONTH = 730
"""Hours that AWS's own calculator counts as a month."""

Unit = Literal["hour", "GB", "GiB-month", "MiB/s-month", "IOPS-month", "month"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """One price."""

    usd: float
    per: Unit
    source: str
    read: date
    """The day on which the source was read, or that it gives itself."""

    @property
    def usd_per_month(self) -> float:
        """Of one unit for a month: an hourly price over all hours, any other as it is."""
        return self.usd * HOURS_PER_MONTH if self.per == "hour" else self.usd


_VPC = "https://aws.amazon.com/vpc/pricing/, as https://cloudburn.io/blog/aws-nat-gateway-pricing gives it"
_EBS = "https://aws.amazon.com/ebs/pricing/, as https://www.saisci.com/aws/gp3-throughput-explained/ gives it"
_EC2 = (
    "EC2 price table that aws/karpenter-provider-aws generates (pkg/providers/pricing); it is for "
    "us-east-1, and the reference figures for us-west-2 follow from the same prices"
)
_EKS = "https://aws.amazon.com/eks/pricing/, as https://cloudburn.io/blog/amazon-eks-pricing gives it"
_ELB = "https://aws.amazon.com/elasticloadbalancing/pricing/, as https://awsnegotiations.com gives it"
_LOGS = "https://aws.amazon.com/cloudwatch/pricing/, as https://c3x.dev/blog/cloudwatch-logs-cost-optimization gives it"
_LINK = "https://aws.amazon.com/privatelink/pricing/, as https://c3x.dev/resources/aws/aws_vpc_endpoint gives it"
_KMS = "https://aws.amazon.com/kms/pricing/"
_ECR = "https://aws.amazon.com/ecr/pricing/, as https://cloudburn.io/blog/amazon-ecr-pricing gives it"
_S3 = "https://aws.amazon.com/s3/pricing/: S3 Standard, first 50 TB; widely quoted, the page itself was not read"

PRICES: dict[str, Price] = {
    "eks_control_plane": Price(usd=0.10, per="hour", source=_EKS, read=date(2026, 4, 1)),
    "eks_extended_support": Price(usd=0.60, per="hour", source=_EKS, read=date(2026, 4, 1)),
    "nat_gateway": Price(usd=0.045, per="hour", source=_VPC, read=date(2026, 2, 24)),
    "nat_data": Price(usd=0.045, per="GB", source=_VPC, read=date(2026, 2, 24)),
    "public_ipv4": Price(usd=0.005, per="hour", source=_VPC, read=date(2026, 2, 24)),
    "interface_endpoint": Price(usd=0.01, per="hour", source=_LINK, read=date(2026, 6, 1)),
    "endpoint_data": Price(usd=0.01, per="GB", source=_LINK, read=date(2026, 6, 1)),
    "load_balancer": Price(usd=0.0225, per="hour", source=_ELB, read=date(2026, 5, 1)),
    "load_balancer_unit": Price(usd=0.006, per="hour", source=_ELB, read=date(2026, 5, 1)),
    "gp3": Price(usd=0.08, per="GiB-month", source=_EBS, read=date(2021, 1, 13)),
    "gp3_throughput": Price(usd=0.04, per="MiB/s-month", source=_EBS, read=date(2021, 1, 13)),
    "gp3_iops": Price(usd=0.005, per="IOPS-month", source=_EBS, read=date(2021, 1, 13)),
    "kms_key": Price(usd=1.0, per="month", source=_KMS, read=date(2026, 3, 14)),
    "log_ingest": Price(usd=0.50, per="GB", source=_LOGS, read=date(2026, 6, 1)),
    "log_storage": Price(usd=0.03, per="GiB-month", source=_LOGS, read=date(2026, 6, 1)),
    "ecr": Price(usd=0.10, per="GiB-month", source=_ECR, read=date(2026, 3, 1)),
    "s3": Price(usd=0.023, per="GiB-month", source=_S3, read=date(2026, 11, 20)),
}

_INSTANCE_USD_PER_HOUR = {
    "m5.large": 0.096,
    "m5.xlarge": 0.192,
    "m5.2xlarge": 0.384,
    "m5.4xlarge": 0.768,
    "m6i.large": 0.096,
    "m6i.xlarge": 0.192,
    "m6i.2xlarge": 0.384,
    "m6i.4xlarge": 0.768,
    "m7i.large": 0.1008,
    "m7i.xlarge": 0.2016,
    "m7i.2xlarge": 0.4032,
    "m7i.4xlarge": 0.8064,
    "c6i.2xlarge": 0.34,
    "c6i.4xlarge": 0.68,
    "c7i.2xlarge": 0.357,
    "c7i.4xlarge": 0.714,
    "g4dn.xlarge": 0.526,
    "g4dn.2xlarge": 0.752,
    "g4dn.4xlarge": 1.204,
    "g5.xlarge": 1.006,
    "g5.2xlarge": 1.212,
    "g5.4xlarge": 1.624,
    "g6.xlarge": 0.8048,
    "g6.2xlarge": 0.9776,
    "g6.4xlarge": 1.3232,
    "g6.8xlarge": 2.0144,
}


def instance_price(instance_type: str) -> Price:
    """A Linux node on demand.

    Raises:
        UserError: a type that the table lacks.
    """
    usd = _INSTANCE_USD_PER_HOUR.get(instance_type)
    if usd is None:
        raise UserError(
            f"no price for the instance type (got {instance_type}); known are {', '.join(_INSTANCE_USD_PER_HOUR)}",
            hint="add its hourly price in us-west-2, with the source, to stacks/prices.py",
        )
    return Price(usd=usd, per="hour", source=_EC2, read=date(2026, 11, 20))


def region_note(region: str) -> str | None:
    """What to say of a bill for another region than the table's; None for the table's own."""
    if region == REGION:
        return None
    return f"prices are those of {REGION}; {region} may charge more (most regions charge 0 to 40 % more)"
