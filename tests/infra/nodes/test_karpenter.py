from collections import Counter
from dataclasses import replace

import pulumi
import pytest

from infra import versions
from infra.nodes.karpenter import Karpenter, KarpenterArgs, controller_values
from stacks.capture.resource import creation_order
from stacks.capture.run import Capture
from tests.infra.aws import ACCOUNT, IDENTITY, existing_provider, run

RELEASE = "kubernetes:helm.sh/v3:Release"
ARGS = KarpenterArgs(account=ACCOUNT, cluster=IDENTITY)


def made(args: KarpenterArgs = ARGS, *, preview: bool = False) -> Capture:
    def program() -> None:
        Karpenter("karpenter", args, pulumi.ResourceOptions(providers=[existing_provider()]))

    return run(program, preview=preview)


def test_definitions_come_before_the_controller_and_go_after_it() -> None:
    captured = made()
    crds, controller = captured.one(RELEASE, "karpenter-crds"), captured.one(RELEASE, "karpenter-controller")
    assert crds.urn in controller.depends_on
    assert (crds.inputs["version"], controller.inputs["version"]) == (versions.KARPENTER.version,) * 2
    assert controller.inputs["chart"] == "oci://public.ecr.aws/karpenter/karpenter"


def test_queue_rights_and_node_entry_outlive_the_controller() -> None:
    captured = made()
    order = [resource.urn for resource in creation_order(captured.resources)]
    controller = order.index(captured.one(RELEASE, "karpenter-controller").urn)
    for token in ("aws:eks/accessEntry:AccessEntry", "aws:sqs/queue:Queue", "aws:iam/rolePolicy:RolePolicy"):
        assert order.index(captured.one(token).urn) < controller, token


def test_the_controller_stays_on_system_nodes_and_knows_its_queue() -> None:
    values = controller_values(ARGS, role_arn="arn:role", queue_name="q")
    assert values["nodeSelector"]["stillhouse.dev/pool"] == "system"
    assert values["settings"] == {"clusterName": "stillhouse-test", "interruptionQueue": "q"}
    assert values["serviceAccount"]["annotations"] == {"eks.amazonaws.com/role-arn": "arn:role"}


def test_nodes_enter_the_cluster_by_their_role() -> None:
    entry = made().one("aws:eks/accessEntry:AccessEntry")
    assert entry.inputs["type"] == "EC2_LINUX"
    assert str(entry.inputs["principalArn"]).startswith("arn:aws:iam::123456789012:role/karpenter-node-role")


@pytest.mark.parametrize("kept", [True, False])
def test_definitions_are_kept_only_where_asked(kept: bool) -> None:
    captured = made(replace(ARGS, retain_crds=kept))
    assert captured.one(RELEASE, "karpenter-crds").options.retain_on_delete is kept
    assert captured.one(RELEASE, "karpenter-controller").options.retain_on_delete is False


def test_a_preview_declares_the_same() -> None:
    assert Counter(r.urn for r in made(preview=True).resources) == Counter(r.urn for r in made().resources)


def test_its_pods_are_counted() -> None:
    (requests,) = replace(ARGS, replicas=1).requests()
    assert (requests.count, requests.memory_mib) == (1, 512)


def test_wrong_controllers_are_refused() -> None:
    with pytest.raises(ValueError, match="one version for both"):
        replace(ARGS, chart=replace(versions.KARPENTER, version="1.0.0"))
    with pytest.raises(ValueError, match="allowed are 1 or more"):
        replace(ARGS, replicas=0)
