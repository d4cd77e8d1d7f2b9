from collections import Counter

import pulumi
import pytest

from infra.cluster.access import AccessEntry, AccessLevel
from infra.cluster.cluster import LOG_TYPES, Cluster, ClusterArgs
from infra.policies.judged import UNKNOWN
from stacks.capture.run import Capture
from stacks.capture.values import Secret
from tests.infra.aws import ACCOUNT, NETWORK, is_component_tree, run, statements

EKS = "eks:index:Cluster"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
ADMIN = AccessEntry(name="sre", principal_arn="arn:aws:iam::123456789012:role/sre", level=AccessLevel.CLUSTER_ADMIN)


def args(**more: object) -> ClusterArgs:
    values = {
        "account": ACCOUNT,
        "cluster_name": "sh-test",
        "version": "1.35",
        "network": NETWORK.outputs,
        "private_access_cidrs": ("10.0.0.0/16",),
        **more,
    }
    return ClusterArgs(**values)  # type: ignore[arg-type]


def made(cluster_args: ClusterArgs, *, preview: bool = False) -> Capture:
    return run(lambda: Cluster("platform", cluster_args), preview=preview)


def test_all_hangs_below_the_component() -> None:
    is_component_tree(made(args()), "stillhouse:cluster:Cluster")


def test_the_api_is_private_unless_ranges_are_named() -> None:
    private = made(args()).one(EKS).inputs
    assert (private["endpointPrivateAccess"], private["endpointPublicAccess"]) == (True, False)
    assert "publicAccessCidrs" not in private
    public = made(args(public_access_cidrs=("203.0.113.0/24",))).one(EKS).inputs
    assert (public["endpointPrivateAccess"], public["endpointPublicAccess"]) == (True, True)
    assert public["publicAccessCidrs"] == ["203.0.113.0/24"]


def test_named_networks_reach_the_private_endpoint_before_anything_goes_into_the_cluster() -> None:
    captured = made(args(private_access_cidrs=("10.0.0.0/16", "172.20.0.0/16")))
    rules = captured.of_type(INGRESS)
    assert {rule.inputs["cidrIpv4"] for rule in rules} == {"10.0.0.0/16", "172.20.0.0/16"}
    for rule in rules:
        assert rule.inputs["securityGroupId"] == captured.one(EKS).outputs["clusterSecurityGroupId"]
        assert (rule.inputs["ipProtocol"], rule.inputs["fromPort"], rule.inputs["toPort"]) == ("tcp", 443, 443)
    assert {rule.urn for rule in rules} <= captured.one("pulumi:providers:kubernetes").depends_on


def test_without_private_ranges_no_rule_is_added() -> None:
    public = args(public_access_cidrs=("203.0.113.0/24",), private_access_cidrs=())
    assert made(public).of_type(INGRESS) == ()


def test_secrets_and_logs_are_encrypted_by_one_key_of_ours() -> None:
    captured = made(args())
    key = captured.one("aws:kms/key:Key")
    group = captured.one("aws:cloudwatch/logGroup:LogGroup")
    assert captured.one(EKS).inputs["encryptionConfigKeyArn"] == key.outputs["arn"]
    assert group.inputs["kmsKeyId"] == key.outputs["arn"]
    assert "LogsUse" in statements(key)


def test_all_logs_go_to_a_group_that_is_there_first() -> None:
    captured = made(args(log_retention_days=90))
    cluster, group = captured.one(EKS), captured.one("aws:cloudwatch/logGroup:LogGroup")
    assert cluster.inputs["enabledClusterLogTypes"] == list(LOG_TYPES)
    assert len(LOG_TYPES) == 5
    assert group.inputs["name"] == "/aws/eks/sh-test/cluster"
    assert group.inputs["retentionInDays"] == 90
    assert group.urn in cluster.depends_on


def test_entry_is_by_iam_only() -> None:
    inputs = made(args(access=(ADMIN,))).one(EKS).inputs
    assert inputs["authenticationMode"] == "API"
    entries = inputs["accessEntries"]
    assert isinstance(entries, dict)
    assert entries["sre"]["principalArn"] == ADMIN.principal_arn


def test_nodes_groups_and_add_ons_are_left_to_their_components() -> None:
    inputs = made(args()).one(EKS).inputs
    assert inputs["skipDefaultNodeGroup"] is True
    assert inputs["skipDefaultSecurityGroups"] is True
    assert inputs["bootstrapSelfManagedAddons"] is False
    assert inputs["useDefaultVpcCni"] is True
    for options in (inputs["kubeProxyAddonOptions"], inputs["corednsAddonOptions"]):
        assert isinstance(options, dict)
        assert options["enabled"] is False
    assert inputs["createOidcProvider"] is True


@pytest.mark.parametrize("kept", [True, False])
def test_protection_is_aws_and_pulumis(kept: bool) -> None:
    captured = made(args(deletion_protection=kept))
    assert captured.one(EKS).inputs["deletionProtection"] is kept
    assert captured.one(EKS).options.protect is kept
    assert captured.one("aws:kms/key:Key").options.protect is kept


def test_kubernetes_counts_as_gone_with_its_cluster_and_its_config_is_secret() -> None:
    provider = made(args()).one("pulumi:providers:kubernetes")
    assert provider.inputs["deleteUnreachable"] == "true"
    assert isinstance(provider.inputs["kubeconfig"], Secret)


def test_a_preview_knows_no_output_and_declares_the_same() -> None:
    def program() -> None:
        cluster = Cluster("platform", args())
        pulumi.export("issuer", cluster.oidc_issuer)
        pulumi.export("name", cluster.cluster_name)

    preview = run(program, preview=True)
    assert preview.outputs == {"issuer": UNKNOWN, "name": "sh-test"}
    assert Counter(r.urn for r in preview.resources) == Counter(r.urn for r in run(program).resources)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"version": "1.34"}, r"got 1\.34\); allowed: 1\.35, .*add its row to infra/cluster/releases\.py"),
        ({"public_access_cidrs": ("0.0.0.0/0",)}, "public_access_cidrs: .*never the whole internet"),
        ({"public_access_cidrs": ("10.0.0.0/16",)}, "a private range"),
        ({"private_access_cidrs": ("0.0.0.0/0",)}, "private_access_cidrs: .*never the whole internet"),
        ({"private_access_cidrs": ("10.0.0.0/16", "10.0.0.0/16")}, "each range once"),
        ({"private_access_cidrs": ()}, "got none, and no public ones"),
        ({"cluster_name": "a b"}, "letters, digits and hyphens"),
        ({"cluster_name": "a" * 101}, "letters, digits and hyphens"),
        ({"access": (ADMIN, ADMIN)}, "each name once"),
    ],
)
def test_wrong_clusters_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        args(**wrong)
