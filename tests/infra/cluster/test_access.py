import pytest

from infra.cluster.access import AccessEntry, AccessLevel

ROLE = "arn:aws:iam::123456789012:role/sre"


def test_a_level_holds_everywhere_or_in_named_namespaces() -> None:
    everywhere = AccessEntry(name="sre", principal_arn=ROLE, level=AccessLevel.CLUSTER_ADMIN).args()
    (association,) = (everywhere.access_policies or {}).values()
    assert association.policy_arn == "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"  # type: ignore[union-attr]
    assert association.access_scope.type == "cluster"  # type: ignore[union-attr]
    some = AccessEntry(name="ml", principal_arn=ROLE, level=AccessLevel.VIEW, namespaces=("models",)).args()
    (association,) = (some.access_policies or {}).values()
    assert association.access_scope.type == "namespace"  # type: ignore[union-attr]
    assert association.access_scope.namespaces == ["models"]  # type: ignore[union-attr]


@pytest.mark.parametrize("arn", ["*", "arn:aws:iam::123456789012:root", "sre"])
def test_a_principal_is_one_role_or_user(arn: str) -> None:
    with pytest.raises(ValueError, match="allowed is an IAM role or user"):
        AccessEntry(name="sre", principal_arn=arn, level=AccessLevel.VIEW)


def test_a_cluster_admin_has_no_namespaces() -> None:
    with pytest.raises(ValueError, match="allowed for this level is none"):
        AccessEntry(name="sre", principal_arn=ROLE, level=AccessLevel.CLUSTER_ADMIN, namespaces=("a",))
