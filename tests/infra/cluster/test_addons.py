from collections.abc import Mapping

import pulumi

from infra import versions
from infra.cluster.addons import NodeAddons, NodeAddonsArgs, WorkloadAddons, WorkloadAddonsArgs
from stacks.capture.resource import Resource
from stacks.capture.run import Capture
from tests.infra.aws import ACCOUNT, IDENTITY, document, existing_provider, run, statements

ADDON = "aws:eks/addon:Addon"
CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"


def node_addons() -> Capture:
    return run(lambda: NodeAddons("first", NodeAddonsArgs(account=ACCOUNT, cluster=IDENTITY)))


def workload_addons() -> Capture:
    def program() -> None:
        provider = existing_provider()
        opts = pulumi.ResourceOptions(providers=[provider])
        WorkloadAddons("then", WorkloadAddonsArgs(account=ACCOUNT, cluster=IDENTITY), opts)

    return run(program)


def by_name(captured: Capture) -> Mapping[str, Resource]:
    return {str(resource.inputs["addonName"]): resource for resource in captured.of_type(ADDON)}


def subject(captured: Capture) -> str:
    (statement,) = statements(captured.one("aws:iam/role:Role"), "assumeRolePolicy").values()
    equals = statement["Condition"]["StringEquals"]
    (found,) = next(values for key, values in equals.items() if key.endswith(":sub"))
    return str(found)


def test_every_add_on_of_the_table_is_installed_once_at_its_version() -> None:
    found = {**by_name(node_addons()), **by_name(workload_addons())}
    assert {name: addon.inputs["addonVersion"] for name, addon in found.items()} == {
        name: add_on.version for name, add_on in versions.ADD_ONS.items()
    }


def test_network_policies_are_enforced_and_the_cni_has_a_role_of_its_own() -> None:
    captured = node_addons()
    cni = by_name(captured)["vpc-cni"]
    assert document(cni, "configurationValues") == {"enableNetworkPolicy": "true"}
    assert cni.inputs["serviceAccountRoleArn"] == captured.one("aws:iam/role:Role").outputs["arn"]
    attachment = captured.one("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    assert attachment.inputs["policyArn"] == "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"
    assert subject(captured) == "system:serviceaccount:kube-system:aws-node"


def test_the_disk_driver_has_a_role_and_a_default_class_that_encrypts() -> None:
    captured = workload_addons()
    assert subject(captured) == "system:serviceaccount:kube-system:ebs-csi-controller-sa"
    storage = captured.one(CLASS)
    assert storage.inputs["parameters"] == {"type": "gp3", "encrypted": "true", "csi.storage.k8s.io/fstype": "ext4"}
    assert storage.inputs["volumeBindingMode"] == "WaitForFirstConsumer"
    metadata = storage.inputs["metadata"]
    assert isinstance(metadata, dict)
    assert metadata["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert by_name(captured)["aws-ebs-csi-driver"].urn in storage.depends_on


def test_objects_go_through_the_clusters_provider() -> None:
    captured = workload_addons()
    provider = captured.one("pulumi:providers:kubernetes")
    assert captured.one(CLASS).options.provider.startswith(provider.urn)
