"""The parts together: created and destroyed in the right order, whole in a preview, every chart pinned."""

from graphlib import TopologicalSorter

import pytest

from infra import versions
from infra.policies.judged import UNKNOWN
from stacks.capture.monitor import UnknownTypeError
from stacks.capture.resource import Resource, creation_order
from stacks.capture.run import capture
from tests.infra.in_cluster import body, captured, program

RELEASE = "kubernetes:helm.sh/v3:Release"
CHARTS = {chart.reference: chart for chart in versions.CHARTS.values()}


def _all_before(name: str) -> set[str]:
    """Names of everything that must be there before the resource, and is destroyed after it."""
    run = captured()
    by_urn = {resource.urn: resource for resource in run.resources}
    children: dict[str, set[str]] = {}
    for resource in run.resources:
        children.setdefault(resource.parent, set()).add(resource.urn)
    found: set[str] = set()
    queue = [resource.urn for resource in run.resources if resource.name == name and resource.custom]
    assert len(queue) == 1, name
    while queue:
        resource = by_urn[queue.pop()]
        for urn in resource.waits_for & by_urn.keys():
            # Who waits for a component waits for its children; a child does not wait for its siblings.
            whole = children.get(urn, set()) if urn != resource.parent else set()
            fresh = {urn, *whole} - found
            found |= fresh
            queue += fresh
    return {by_urn[urn].name for urn in found}


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        ("triton-gpu-runtime", "kserve-controller"),
        ("kserve-controller", "kserve-crds"),
        ("kserve-crds", "certificates-release"),
        ("kserve-controller", "certificates-release"),
        ("edge-gateway", "balancer-release"),
        ("edge-gateway", "mesh-istiod"),
        ("edge-listener", "edge-gateway"),
        ("edge-listener", "edge-tokens"),
        ("edge-listener", "edge-allow-predict"),
        ("edge-listener", "edge-deny-without-token"),
        ("edge-listener", "edge-limits"),
        ("edge-certificate", "authority-issuer"),
        ("authority-bootstrap", "certificates-release"),
        ("mesh-istiod", "mesh-cni"),
        ("mesh-cni", "mesh-base"),
        ("mesh-strict", "mesh-istiod"),
        ("serving-storage", "mesh-istiod"),
        ("keda-release", "monitoring-stack"),
        ("monitoring-monitor-gateway", "monitoring-stack"),
        ("gitops-stack", "kserve-controller"),
    ],
)
def test_destroy_is_the_reverse_of_what_needs_what(later: str, earlier: str) -> None:
    assert earlier in _all_before(later)
    assert later not in _all_before(earlier)


def test_the_order_has_no_circle() -> None:
    order = creation_order(captured().resources)
    assert len(order) == len(captured().resources)
    TopologicalSorter({resource.urn: resource.waits_for for resource in order}).prepare()


def test_every_chart_is_the_tables() -> None:
    for release in captured().of_type(RELEASE):
        values = body(release)
        chart = CHARTS[values["chart"]]
        assert values["version"] == chart.version
        assert values.get("repositoryOpts", {}).get("repo") == (None if chart.is_oci else chart.repository)
        assert values["createNamespace"] is False
        assert values["atomic"] is True
        assert 0 < values["timeout"] <= 1800


def test_releases_wait_for_the_network_rules_of_their_namespace() -> None:
    for release in captured().of_type(RELEASE):
        if release.inputs["namespace"] == "kube-system":
            continue
        before = _all_before(release.name)
        assert any(name.endswith("-deny-all") for name in before), release.name


def test_a_preview_declares_the_same_resources() -> None:
    def names(resources: tuple[Resource, ...]) -> set[tuple[str, str]]:
        return {(resource.type, resource.name) for resource in resources}

    assert names(captured(preview=True).resources) == names(captured().resources)


def test_a_preview_does_not_know_the_load_balancer() -> None:
    assert captured(preview=True).outputs["load_balancer"] is UNKNOWN
    assert str(captured().outputs["load_balancer"]).endswith(".elb.us-west-2.amazonaws.com")


def test_every_component_registers_its_outputs_and_parents_its_children() -> None:
    run = captured()
    for resource in run.resources:
        if resource.type.startswith("stillhouse:"):
            assert resource.registered_outputs is not None, resource.name
            children = list(run.children(resource.urn))
            assert children, resource.name
            assert all(child.name.startswith(f"{resource.name}-") for child in children)
        elif not resource.type.startswith("pulumi:"):
            assert run[resource.parent].type.startswith("stillhouse:"), resource.name


def test_everything_goes_to_the_given_cluster() -> None:
    provider = captured().one("pulumi:providers:kubernetes")
    for resource in captured().resources:
        if resource.custom and resource.type.startswith("kubernetes:"):
            assert resource.options.provider.startswith(provider.urn), resource.name


def test_a_kind_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(UnknownTypeError, match="no fake for"):
        capture(program, fakes={"kubernetes:core/v1:Namespace": _refuse})


def _refuse(request: object) -> dict[str, str]:
    raise UnknownTypeError(f"no fake for {request}")


def test_the_gateway_s_pods_are_ready_once_the_load_balancer_sends_to_them() -> None:
    namespace = captured().one("kubernetes:core/v1:Namespace", "edge-namespace-namespace")
    assert body(namespace)["metadata"]["labels"]["elbv2.k8s.aws/pod-readiness-gate-inject"] == "enabled"


def test_controllers_with_certificates_nodes_and_balancers_are_scraped() -> None:
    monitored = {
        namespace
        for monitor in captured().of_type("kubernetes:monitoring.coreos.com/v1:PodMonitor")
        for namespace in body(monitor)["spec"]["namespaceSelector"]["matchNames"]
    }
    assert {"cert-manager", "keda", "kube-system", "istio-system", "istio-ingress", "models"} <= monitored
