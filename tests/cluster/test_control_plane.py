"""The harness itself: a server that would take anything proves nothing."""

from typing import Any

import psutil
import pytest

from model.errors import UserError
from tests.cluster.api import Api, Key, RefusedError
from tests.cluster.control_plane import ControlPlane, control_plane, program_path
from tests.serving.waiting import is_gone, wait_for
from tools.build import programs
from tools.folders import BIN

pytestmark = pytest.mark.cluster

NAMESPACE = "harness"


def namespace(name: str, level: str) -> dict[str, Any]:
    labels = {"pod-security.kubernetes.io/enforce": level}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod(name: str, **security: Any) -> dict[str, Any]:
    container = {"name": "main", "image": "registry.invalid/main:1", "securityContext": security}
    spec = {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec | {"containers": [container]},
    }


HARMLESS: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@pytest.fixture
def api(plane: ControlPlane) -> Api:
    plane.api.apply(namespace(NAMESPACE, "restricted"))
    wait_for(lambda: plane.api.find("v1", "ServiceAccount", NAMESPACE, "default") is not None)
    return plane.api


def test_a_restricted_namespace_refuses_a_bad_pod_and_takes_a_good_one(api: Api) -> None:
    api.create(pod("good", **HARMLESS), dry_run=True)
    with pytest.raises(RefusedError, match=r"v1 Pod harness/bad.*violates PodSecurity.*privileged"):
        api.create(pod("bad", privileged=True), dry_run=True)


@pytest.mark.parametrize(
    ("api_version", "kind", "spec", "words"),
    [
        ("v1", "Service", {"portz": []}, "spec.portz: field not declared"),
        ("networking.istio.io/v1", "VirtualService", {"host": ["a"]}, "spec.host: field not declared"),
        ("serving.kserve.io/v1beta1", "InferenceService", {"predictor": {"modle": {}}}, "modle: field not declared"),
        ("serving.kserve.io/v1alpha1", "ServingRuntime", {"containers": [{"image": "a"}]}, "name"),
        ("keda.sh/v1alpha1", "ScaledObject", {"scaleTargetRef": {"name": "a"}}, "spec.triggers: Required"),
        ("cert-manager.io/v1", "Certificate", {"secretName": 5}, "secretName"),
        ("monitoring.coreos.com/v1", "PodMonitor", {"selector": {}, "endpoints": []}, "endpoints: field not declared"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute", {"rule": []}, "spec.rule: field not declared"),
        ("pulumi.com/v1", "Stack", {"stack": "a", "projectRep": "b"}, "projectRep: field not declared"),
    ],
)
def test_a_field_that_a_schema_does_not_allow_is_refused(
    api: Api, api_version: str, kind: str, spec: dict[str, Any], words: str
) -> None:
    obj = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a", "namespace": NAMESPACE}, "spec": spec}
    with pytest.raises(RefusedError) as refused:
        api.apply(obj)
    assert words in str(refused.value)


def test_a_cluster_scoped_rule_of_a_definition_is_kept(api: Api) -> None:
    """CEL rules in the definitions run too."""
    template = {
        "spec": {
            "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"},
            "requirements": [{"key": "karpenter.sh/nodepool", "operator": "In", "values": ["a"]}],
        }
    }
    pool = {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": "a"},
        "spec": {"template": template},
    }
    with pytest.raises(RefusedError, match=r"karpenter.sh/nodepool"):
        api.apply(pool)


def test_an_admission_policy_refuses(api: Api) -> None:
    """The Gateway API's bundle brings a policy against mixing its channels."""
    key = Key("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "httproutes.gateway.networking.k8s.io")
    experimental = {"metadata": {"annotations": {"gateway.networking.k8s.io/channel": "experimental"}}}
    wait_for(lambda: refuses(api, key, experimental), what="the admission policy being enforced")


def refuses(api: Api, key: Key, patch: dict[str, Any]) -> bool:
    before = api.read(key)
    assert before is not None
    try:
        api.patch(key, patch)
    except RefusedError as error:
        return "ValidatingAdmissionPolicy" in str(error)
    api.patch(key, {"metadata": {"annotations": before["metadata"]["annotations"]}})
    return False


def test_an_unknown_kind_is_named(api: Api) -> None:
    with pytest.raises(RefusedError, match=r"example.com/v1 Thing: the server knows no such kind"):
        api.apply({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}})


def test_what_is_deleted_leaves_nothing(api: Api) -> None:
    before = api.everything()
    metadata = {"name": "a", "namespace": NAMESPACE}
    api.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}})
    key = Key("v1", "ConfigMap", NAMESPACE, "a")
    assert api.everything() - before == {key}
    api.delete(key)
    wait_for(lambda: api.read(key) is None)
    assert api.everything() == before


def test_every_program_ends_with_its_block(tmp_path_factory: pytest.TempPathFactory) -> None:
    started: list[psutil.Process] = []

    def fail() -> None:
        with control_plane(tmp_path_factory.mktemp("failing")) as plane:
            started.extend(psutil.Process(child.process.pid) for child in plane.children.values())
            raise RuntimeError("in the block")

    with pytest.raises(RuntimeError, match="in the block"):
        fail()
    assert len(started) == 3
    assert all(is_gone(process.pid) for process in started)


def test_a_program_of_other_pins_is_not_used() -> None:
    stamp = BIN / f".{programs()['etcd'].name}.digest"
    before = stamp.read_text()
    try:
        stamp.write_text("other")
        with pytest.raises(UserError, match=r"etcd is not built, or of other pins(.|\n)*hint: run `make tools`"):
            program_path("etcd")
    finally:
        stamp.write_text(before)
