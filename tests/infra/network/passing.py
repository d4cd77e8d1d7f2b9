"""Whether a call passes an endpoint's policy: as much of IAM's rules as those policies use."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tests.infra.aws import ACCOUNT

VPC = "vpc-0123456789abcdef0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request to AWS, from inside the VPC."""

    action: str
    resource: str = "*"
    principal_account: str | None = ACCOUNT.account_id
    """None: nobody signed it, or a service did."""
    resource_account: str | None = ACCOUNT.account_id
    """None: it names no resource."""
    vpc: str = VPC

    @property
    def context(self) -> Mapping[str, str | None]:
        """The condition keys that the policies ask for."""
        return {
            "aws:PrincipalAccount": self.principal_account,
            "aws:ResourceAccount": self.resource_account,
            "aws:SourceVpc": self.vpc,
        }


def passes(policy: Mapping[str, Any], call: Call) -> bool:
    """Whether any statement lets the call through; the policies deny nothing."""
    assert all(statement["Effect"] == "Allow" and statement["Principal"] == "*" for statement in policy["Statement"])
    return any(_matches(statement, call) for statement in policy["Statement"])


def _matches(statement: Mapping[str, Any], call: Call) -> bool:
    named = any(fnmatchcase(call.action, action) for action in statement["Action"])
    placed = any(fnmatchcase(call.resource, resource) for resource in statement["Resource"])
    return (
        named
        and placed
        and all(
            _holds(operator, call.context[key], values)
            for operator, keys in statement["Condition"].items()
            for key, values in keys.items()
        )
    )


def _holds(operator: str, value: str | None, wanted: list[str]) -> bool:
    if operator == "StringEqualsIfExists":
        return value is None or value in wanted
    assert operator == "StringEquals", operator
    return value in wanted
