from typing import Any

from infra.nodes.karpenter_policy import controller_policy
from tests.infra.aws import ACCOUNT

NODE_ROLE = "arn:aws:iam::123456789012:role/nodes"
QUEUE = "arn:aws:sqs:us-west-2:123456789012:prod"
STATEMENTS: list[dict[str, Any]] = controller_policy(ACCOUNT, "prod", node_role_arn=NODE_ROLE, queue_arn=QUEUE).body()[
    "Statement"
]
BY_SID = {statement["Sid"]: statement for statement in STATEMENTS}


def keys(statement: dict[str, Any]) -> set[str]:
    return {key for test in statement.get("Condition", {}).values() for key in test}


def test_only_the_clusters_own_instances_can_be_removed() -> None:
    removal = [s for s in STATEMENTS if "ec2:TerminateInstances" in s["Action"]]
    assert len(removal) == 1
    assert "aws:ResourceTag/kubernetes.io/cluster/prod" in keys(removal[0])
    assert "aws:ResourceTag/karpenter.sh/nodepool" in keys(removal[0])


def test_everything_launched_gets_the_clusters_tag() -> None:
    for sid in ("LaunchTagged", "TagWhileLaunching"):
        assert "aws:RequestTag/kubernetes.io/cluster/prod" in keys(BY_SID[sid])


def test_only_the_node_role_is_passed_and_only_to_ec2() -> None:
    passing = BY_SID["PassNodeRole"]
    assert passing["Resource"] == [NODE_ROLE]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com"]}}


def test_profiles_are_changed_only_with_the_clusters_tag() -> None:
    for sid in ("MakeProfiles", "TagProfiles", "ChangeProfiles"):
        assert any("kubernetes.io/cluster/prod" in key for key in keys(BY_SID[sid])), sid


def test_only_reading_is_open_to_all_resources() -> None:
    reading = ("Describe", "Get", "List")
    everywhere = [statement for statement in STATEMENTS if statement["Resource"] == ["*"]]
    assert {statement["Sid"] for statement in everywhere} == {"DescribeRegion", "ReadPrices", "ListProfiles"}
    assert all(action.split(":")[1].startswith(reading) for statement in everywhere for action in statement["Action"])


def test_the_document_fits_into_a_role() -> None:
    import json

    inline_limit_characters = 10_240
    assert len(json.dumps({"Statement": STATEMENTS}, separators=(",", ":"))) < inline_limit_characters
