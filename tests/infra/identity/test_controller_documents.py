from typing import Any

import pytest

from infra.identity.controller_documents import (
    external_dns_policy,
    load_balancer_policy,
    pulumi_operator_policy,
)
from infra.identity.policy_document import PolicyDocument
from tests.infra.aws import ACCOUNT

KEY = "arn:aws:kms:us-west-2:123456789012:key/1"
BALANCING = load_balancer_policy(ACCOUNT, "prod")
OPERATOR = pulumi_operator_policy(
    ACCOUNT, state_bucket_arn="arn:aws:s3:::state", state_prefix="stillhouse/prod-releases", kms_key_arn=KEY
)
DOCUMENTS = [BALANCING, OPERATOR, external_dns_policy(ACCOUNT, "Z1")]
READING = ("Describe", "Get", "List")


def statements(policy: PolicyDocument) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = policy.body()["Statement"]
    return found


def is_reading(action: str) -> bool:
    return action.split(":")[1].startswith(READING)


@pytest.mark.parametrize("policy", DOCUMENTS)
def test_only_what_reads_is_open_to_all_resources(policy: PolicyDocument) -> None:
    for statement in statements(policy):
        if statement["Resource"] == ["*"] and statement["Sid"] != "FirstBalancerOfTheAccount":
            assert all(is_reading(action) for action in statement["Action"]), statement["Sid"]


def test_every_change_of_balancers_asks_for_the_clusters_tag() -> None:
    untagged = {"FirstBalancerOfTheAccount", "MakeGroupsInVpc"}
    for statement in statements(BALANCING):
        if statement["Sid"] in untagged or all(is_reading(action) for action in statement["Action"]):
            continue
        keys = [key for test in statement["Condition"].values() for key in test]
        assert any("elbv2.k8s.aws/cluster" in key or "kubernetes.io/cluster/prod" in key for key in keys), statement


def test_balancers_are_network_ones() -> None:
    resources = [arn for statement in statements(BALANCING) for arn in statement["Resource"] if "loadbalancer/" in arn]
    assert resources
    assert all("loadbalancer/net/" in arn for arn in resources)


def test_dns_records_change_in_one_zone() -> None:
    change = statements(external_dns_policy(ACCOUNT, "Z1"))[0]
    assert change["Resource"] == ["arn:aws:route53:::hostedzone/Z1"]


def test_the_operator_sees_its_own_state_only() -> None:
    (listing, objects, key) = statements(OPERATOR)
    assert listing["Condition"]["StringLike"]["s3:prefix"] == ["stillhouse/prod-releases/*", "stillhouse/prod-releases"]
    assert objects["Resource"] == ["arn:aws:s3:::state/stillhouse/prod-releases/*"]
    assert key["Resource"] == [KEY]
