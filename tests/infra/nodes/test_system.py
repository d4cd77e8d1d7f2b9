from collections import Counter

import pytest

from infra.nodes.system import SystemNodes, SystemNodesArgs
from infra.policies.judged import UNKNOWN
from stacks.capture.run import Capture
from tests.infra.aws import ACCOUNT, NETWORK, is_component_tree, run

GROUP = "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


def args(**more: object) -> SystemNodesArgs:
    values = {"account": ACCOUNT, "cluster_name": "c", "subnet_ids": NETWORK.private_subnet_ids, **more}
    return SystemNodesArgs(**values)  # type: ignore[arg-type]


def made(node_args: SystemNodesArgs, *, preview: bool = False) -> Capture:
    return run(lambda: SystemNodes("system", node_args), preview=preview)


def test_the_group_has_a_fixed_size_and_a_pinned_image() -> None:
    captured = made(args(count=2))
    is_component_tree(captured, "stillhouse:nodes:SystemNodes")
    inputs = captured.one(GROUP).inputs
    assert inputs["scalingConfig"] == {"minSize": 2, "desiredSize": 2, "maxSize": 2}
    assert (inputs["amiType"], inputs["version"]) == ("AL2023_x86_64_STANDARD", "1.35")
    assert inputs["releaseVersion"] == "1.35.7-20260903"
    assert inputs["labels"] == {"stillhouse.dev/pool": "system"}
    assert "taints" not in inputs
    assert inputs["updateConfig"] == {"maxUnavailable": 1}
    assert inputs["nodeRepairConfig"] == {"enabled": True}


@pytest.mark.parametrize(("count", "zones"), [(1, 1), (2, 2), (3, 3), (5, 3)])
def test_each_zone_of_the_group_has_a_node_so_that_a_new_one_finds_the_volumes(count: int, zones: int) -> None:
    subnets = tuple(f"subnet-0123456789abcdef{position}" for position in range(3))
    inputs = made(args(count=count, subnet_ids=subnets)).one(GROUP).inputs
    assert inputs["subnetIds"] == list(subnets[:zones])


def test_nodes_ask_for_tokens_and_encrypt_their_disk() -> None:
    captured = made(args(volume_gib=40))
    template = captured.one(TEMPLATE)
    assert template.inputs["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }
    ebs = {"volumeType": "gp3", "volumeSize": 40, "encrypted": "true", "deleteOnTermination": "true"}
    assert template.inputs["blockDeviceMappings"] == [{"deviceName": "/dev/xvda", "ebs": ebs}]
    assert captured.one(GROUP).inputs["launchTemplate"] == {"id": template.outputs["id"], "version": "1"}


def test_the_group_comes_after_its_roles_rights_and_goes_before_them() -> None:
    captured = made(args())
    rights = {attached.urn for attached in captured.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")}
    assert rights
    assert rights <= captured.one(GROUP).depends_on


def test_a_preview_does_not_know_the_template_yet() -> None:
    preview = made(args(), preview=True)
    assert preview.one(GROUP).inputs["launchTemplate"] == {"id": UNKNOWN, "version": UNKNOWN}
    assert Counter(r.urn for r in preview.resources) == Counter(r.urn for r in made(args()).resources)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"instance_type": "g6.4xlarge"}, "allowed are types without a GPU"),
        ({"instance_type": "m5.huge"}, "allowed are m5.large"),
        ({"cluster_version": "1.34"}, "behind the cluster"),
        ({"count": 0}, "allowed are 1 to 9"),
        ({"volume_gib": 8}, "allowed are 20 or more"),
    ],
)
def test_wrong_groups_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        args(**wrong)
