"""The AWS account and region that resources live in, and the ARNs that follow from them."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """One account in one region; plain strings, so that ARNs are known before anything exists."""

    account_id: str
    """Twelve digits."""
    region: str
    """For example `us-west-2`."""
    partition: str = "aws"
    """`aws`, `aws-cn` or `aws-us-gov`."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d{12}", self.account_id):
            raise ValueError(f"account_id: (got {self.account_id!r}); allowed are twelve digits")
        if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", self.region):
            raise ValueError(f"region: (got {self.region!r}); allowed is an AWS region such as us-west-2")
        if self.partition not in PARTITIONS:
            raise ValueError(f"partition: (got {self.partition!r}); allowed are {', '.join(PARTITIONS)}")

    def arn(self, service: str, resource: str) -> str:
        """ARN of a regional resource, e.g. `arn("eks", "cluster/prod")`."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    def iam_arn(self, resource: str) -> str:
        """ARN in IAM, which has no region, e.g. `iam_arn("role/deployer")`."""
        return f"arn:{self.partition}:iam::{self.account_id}:{resource}"

    def managed_policy(self, path: str) -> str:
        """ARN of a policy that AWS maintains, e.g. `AmazonEKSWorkerNodePolicy`."""
        return f"arn:{self.partition}:iam::aws:policy/{path}"

    @property
    def root(self) -> str:
        """The account itself as a principal."""
        return self.iam_arn("root")

    @property
    def dns_suffix(self) -> str:
        """Domain of the region's service names."""
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"


PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
