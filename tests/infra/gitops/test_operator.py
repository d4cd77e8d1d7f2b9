"""GitOps: drift is put right, deletion deletes nothing, and the releases' rights end at their namespace."""

from dataclasses import replace
from typing import Any

import pytest

from infra.gitops.args import GitOpsArgs
from infra.gitops.values import release_rules, stack_spec
from stacks.capture.values import Secret
from tests.infra.in_cluster import GIT_TOKEN, body, captured, role

ARGS = GitOpsArgs(
    stack="prod-releases",
    repository="https://git.example/stillhouse.git",
    branch="main",
    state_bucket="state",
    state_key_alias="alias/stillhouse-pulumi",
    region="us-west-2",
    role_arn=role("releases"),
    serving_namespace="models",
    image="registry.example/pulumi@sha256:" + "b" * 64,
)
ENDPOINT_KINDS = {
    "inferenceservices",
    "virtualservices",
    "destinationrules",
    "authorizationpolicies",
    "scaledobjects",
    "horizontalpodautoscalers",
    "poddisruptionbudgets",
    "podmonitors",
}


def test_drift_is_corrected_and_deletion_keeps_what_serves() -> None:
    spec = stack_spec(ARGS)
    assert spec["continueResyncOnCommitMatch"] is True
    assert spec["resyncFrequencySeconds"] == 600
    assert spec["refresh"] is True
    assert spec["retryOnUpdateConflict"] is True
    assert spec["destroyOnFinalize"] is False
    assert spec["useLocalStackOnly"] is True


def test_state_is_in_the_bucket_and_its_secrets_under_the_key() -> None:
    spec = stack_spec(ARGS)
    assert spec["backend"] == "s3://state?region=us-west-2"
    assert spec["secretsProvider"] == "awskms:///alias/stillhouse-pulumi?region=us-west-2"
    assert spec["branch"] == "refs/heads/main"


def test_the_workspace_is_restricted_and_its_image_fixed() -> None:
    workspace = stack_spec(ARGS)["workspaceTemplate"]["spec"]
    assert workspace["securityProfile"] == "restricted"
    assert workspace["image"] == ARGS.image
    assert workspace["serviceAccountName"] == "releases"


def test_a_public_repository_needs_no_token() -> None:
    assert "gitAuth" not in stack_spec(ARGS)
    with_token = stack_spec(replace(ARGS, git_token="t"))
    assert with_token["gitAuth"]["accessToken"]["secret"] == {"name": "git-token", "key": "token"}


def test_releases_write_what_an_endpoint_consists_of_and_no_more() -> None:
    written = {kind for rule in release_rules() if "create" in rule["verbs"] for kind in rule["resources"]}
    assert written == ENDPOINT_KINDS
    read = {kind for rule in release_rules() if "create" not in rule["verbs"] for kind in rule["resources"]}
    assert not read & {"secrets", "configmaps"}
    assert not any("*" in rule["verbs"] + rule["resources"] + rule["apiGroups"] for rule in release_rules())


def test_the_rights_lie_in_the_serving_namespace() -> None:
    run = captured()
    assert body(run.one("kubernetes:rbac.authorization.k8s.io/v1:Role"))["metadata"]["namespace"] == "models"
    binding = body(run.one("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"))
    assert binding["metadata"]["namespace"] == "models"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "releases", "namespace": "gitops"}]
    review = body(run.one("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding"))
    assert review["roleRef"]["name"] == "system:auth-delegator"


def test_the_token_stays_secret() -> None:
    run = captured()
    token = run.one("kubernetes:core/v1:Secret", "gitops-token")
    data: Any = token.inputs["stringData"]
    assert isinstance(data, Secret) or isinstance(data["token"], Secret)
    assert body(token)["stringData"] == {"token": GIT_TOKEN}
    assert GIT_TOKEN not in repr([body(found) for found in run.resources if found.urn != token.urn])


def test_the_stack_comes_after_all_that_it_needs() -> None:
    run = captured()
    stack = run.one("kubernetes:pulumi.com/v1:Stack")
    names = {run[urn].name for urn in stack.depends_on}
    assert {"gitops-operator", "gitops-account", "gitops-binding", "gitops-token-review", "gitops-token"} <= names


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image": "pulumi/pulumi:latest-nonroot"}, "has no digest"),
        ({"drift_s": 10}, "60 s or more"),
        ({"state_key_alias": "arn:aws:kms:key"}, "alias/<name>"),
    ],
)
def test_bad_arguments_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=rf"\(got .*{words}"):
        replace(ARGS, **changes)
