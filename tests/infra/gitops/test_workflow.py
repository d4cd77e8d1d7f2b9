"""The workflow's way in: one GitHub environment, the state, and endpoints of one namespace."""

import json

import pytest

from infra.account import Account
from infra.gitops.workflow import GROUP, WorkflowAccess, WorkflowAccessArgs
from infra.identity.controller_documents import pulumi_operator_policy
from infra.identity.trusted_role import GithubEnvironment
from stacks.capture.run import Capture, capture

ACCOUNT = Account(account_id="111122223333", region="us-west-2")
PROVIDER = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"


def _program() -> None:
    WorkflowAccess(
        "workflow",
        WorkflowAccessArgs(
            account=ACCOUNT,
            cluster_name="shop",
            github=GithubEnvironment(provider_arn=PROVIDER, repository="shop/serving", environment="prod-releases"),
            state_policy=pulumi_operator_policy(
                ACCOUNT,
                state_bucket_arn="arn:aws:s3:::state",
                state_prefix=".pulumi",
                kms_key_arn=ACCOUNT.arn("kms", "key/1"),
            ),
            serving_namespace="models",
        ),
    )


@pytest.fixture(params=[False, True], ids=["update", "preview"])
def run(request: pytest.FixtureRequest) -> Capture:
    return capture(_program, preview=request.param)


def test_only_one_environment_of_one_repository_takes_the_role(run: Capture) -> None:
    trust = json.loads(str(run.one("aws:iam/role:Role").inputs["assumeRolePolicy"]))
    (statement,) = trust["Statement"]
    assert statement["Condition"]["StringEquals"] == {
        "token.actions.githubusercontent.com:sub": ["repo:shop/serving:environment:prod-releases"],
        "token.actions.githubusercontent.com:aud": ["sts.amazonaws.com"],
    }


def test_its_rights_are_the_state_and_finding_the_cluster(run: Capture) -> None:
    policy = json.loads(str(run.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"]))
    actions = {action for statement in policy["Statement"] for action in _listed(statement["Action"])}
    assert "eks:DescribeCluster" in actions
    assert {action.split(":")[0] for action in actions} == {"s3", "kms", "eks"}


def test_the_group_may_change_endpoints_of_the_serving_namespace_only(run: Capture) -> None:
    entry = run.one("aws:eks/accessEntry:AccessEntry")
    assert entry.inputs["kubernetesGroups"] == [GROUP]
    binding = run.one("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding")
    assert binding.inputs["subjects"] == [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": GROUP}]
    assert isinstance(binding.inputs["metadata"], dict)
    assert binding.inputs["metadata"]["namespace"] == "models"
    assert entry.urn in binding.depends_on
    assert not run.of_type("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding")


def _listed(action: str | list[str]) -> list[str]:
    return [action] if isinstance(action, str) else action
