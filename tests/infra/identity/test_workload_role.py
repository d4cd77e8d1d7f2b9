import pulumi
import pytest
from pulumi_aws import s3

from infra.identity.cluster import ClusterIdentity
from infra.identity.policy_document import PolicyDocument, Statement
from infra.identity.workload_role import WorkloadRole, WorkloadRoleArgs
from infra.policies.judged import UNKNOWN
from tests.infra.aws import IDENTITY, ISSUER, is_component_tree, run, statements

POLICY = PolicyDocument(statements=(Statement(sid="Read", actions=("s3:GetObject",), resources=("arn:aws:s3:::b/*",)),))
ROLE = "aws:iam/role:Role"


def args(**more: object) -> WorkloadRoleArgs:
    values = {"cluster": IDENTITY, "namespace": "models", "service_account": "triton", "policy": POLICY, **more}
    return WorkloadRoleArgs(**values)  # type: ignore[arg-type]


def test_only_one_service_account_of_one_cluster_takes_the_role() -> None:
    captured = run(lambda: WorkloadRole("serve", args()))
    is_component_tree(captured, "stillhouse:identity:WorkloadRole")
    (statement,) = statements(captured.one(ROLE), "assumeRolePolicy").values()
    assert statement["Action"] == ["sts:AssumeRoleWithWebIdentity"]
    assert statement["Principal"] == {"Federated": [IDENTITY.oidc_provider_arn]}
    assert statement["Condition"] == {
        "StringEquals": {
            f"{ISSUER}:sub": ["system:serviceaccount:models:triton"],
            f"{ISSUER}:aud": ["sts.amazonaws.com"],
        }
    }


def test_the_arn_comes_only_with_its_rights() -> None:
    def program() -> None:
        role = WorkloadRole("serve", args(managed_policy_arns=("arn:aws:iam::aws:policy/X",)))
        s3.Bucket("user", tags={"role": role.arn})

    captured = run(program)
    waits = captured.one("aws:s3/bucket:Bucket").depends_on
    assert captured.one("aws:iam/rolePolicy:RolePolicy").urn in waits
    assert captured.one("aws:iam/rolePolicyAttachment:RolePolicyAttachment").urn in waits
    tags = captured.one("aws:s3/bucket:Bucket").inputs["tags"]
    assert tags == {"role": captured.one(ROLE).outputs["arn"]}


def test_a_preview_without_an_issuer_leaves_the_trust_unknown() -> None:
    def program() -> None:
        late = s3.Bucket("late")
        identity = ClusterIdentity(cluster_name="c", oidc_provider_arn=late.arn, oidc_issuer=late.arn)
        WorkloadRole("serve", args(cluster=identity), pulumi.ResourceOptions())

    assert run(program, preview=True).one(ROLE).inputs["assumeRolePolicy"] is UNKNOWN


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"namespace": "*"}, "namespace: .*without wildcards"),
        ({"service_account": ""}, "service_account: .*one name"),
        ({"service_account": "a:b"}, "service_account: .*one name"),
        ({"policy": None}, "allowed is a document, or managed policies"),
    ],
)
def test_wrong_roles_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        args(**wrong)
