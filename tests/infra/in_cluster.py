"""Everything that runs in the cluster, declared once as a program, for tests of order, secrets and unknown values."""

from functools import cache
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from infra.certificates.authority import PrivateAuthority, PrivateAuthorityArgs
from infra.certificates.manager import CertManager, CertManagerArgs
from infra.edge.args import EdgeArgs
from infra.edge.edge import Edge
from infra.edge.filters import EdgeLimits
from infra.edge.tokens import TokenRules
from infra.external_dns import ExternalDns, ExternalDnsArgs
from infra.gitops.args import GitOpsArgs
from infra.gitops.operator import GitOps
from infra.keda import Keda, KedaArgs
from infra.kserve.controller import KServe, KServeArgs
from infra.kserve.serving_namespace import ServingNamespace, ServingNamespaceArgs
from infra.kserve.triton import Accelerator, TritonRuntime, TritonRuntimeArgs
from infra.load_balancer import LoadBalancerController, LoadBalancerControllerArgs
from infra.mesh.mesh import Mesh, MeshArgs
from infra.nodes.placement import CPU, GPU, Placement
from infra.observability.alerting import AlertReceiver, ReceiverKind
from infra.observability.args import ObservabilityArgs
from infra.observability.stack import Observability
from stacks.capture.fakes_kubernetes import FAKES
from stacks.capture.resource import Resource
from stacks.capture.run import Capture, capture
from stacks.capture.values import reveal

HOSTNAME = "predict.example.internal"
IMAGE = "registry.example/tritonserver:26.07-py3@sha256:" + "a" * 64
TOKEN = TokenRules(
    issuer="https://identity.example",
    jwks_uri="https://identity.example/keys",
    audiences=["stillhouse"],
)
LIMITS = EdgeLimits(requests_per_s=500)
ALERT_ADDRESS = "https://hooks.example/T000/B000/alert-secret"
GIT_TOKEN = "git-token-of-the-test"


def program() -> None:
    """The parts in the order in which a platform declares them."""
    account = k8s.Provider("cluster", kubeconfig="{}")
    inside = pulumi.ResourceOptions(provider=account)

    def after(*parts: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=list(parts)))

    balancer = LoadBalancerController("balancer", balancer_args(), inside)
    ExternalDns("dns", dns_args(), inside)
    monitoring = Observability("monitoring", observability_args(), inside)
    manager = CertManager("certificates", CertManagerArgs(), inside)
    authority = PrivateAuthority("authority", PrivateAuthorityArgs(), after(manager))
    mesh = Mesh("mesh", MeshArgs(), inside)
    serving = ServingNamespace("serving", serving_args(), after(mesh))
    edge = Edge("edge", edge_args(authority), after(balancer, mesh, authority))
    keda = Keda("keda", KedaArgs(), after(monitoring))
    controller = KServe("kserve", KServeArgs(region="us-west-2"), after(manager, keda))
    cpu, gpu = (
        TritonRuntime(f"triton-{place.pool}", runtime_args(serving, place), after(controller, serving))
        for place in (CPU, GPU)
    )
    GitOps("gitops", gitops_args(serving), after(controller, monitoring))
    pulumi.export("gateway", edge.gateway)
    pulumi.export("load_balancer", edge.load_balancer_hostname)
    pulumi.export("prometheus", monitoring.prometheus_address)
    pulumi.export("runtimes", pulumi.Output.all(cpu.runtime, gpu.runtime))


def balancer_args() -> LoadBalancerControllerArgs:
    return LoadBalancerControllerArgs(
        cluster_name="test", vpc_id="vpc-0123456789abcdef0", region="us-west-2", role_arn=role("balancer")
    )


def dns_args() -> ExternalDnsArgs:
    return ExternalDnsArgs(
        hostname=HOSTNAME, zone_id="Z0123456789", owner="test", role_arn=role("dns"), region="us-west-2"
    )


def edge_args(authority: PrivateAuthority) -> EdgeArgs:
    return EdgeArgs(
        hostname=HOSTNAME,
        issuer=authority.issuer,
        token=TOKEN,
        limits=LIMITS,
        serving_namespace="models",
        latency_goal_ms=100,
    )


def observability_args() -> ObservabilityArgs:
    return ObservabilityArgs(
        retention_days=15,
        storage_gib=50,
        serving_namespace="models",
        dashboards={"endpoint.json": '{"title": "endpoint"}'},
        rules={"endpoint": [{"name": "endpoint", "rules": [{"record": "up:sum", "expr": "sum(up)"}]}]},
        receiver=AlertReceiver(kind=ReceiverKind.SLACK, secret=pulumi.Output.secret(ALERT_ADDRESS)),
    )


def serving_args() -> ServingNamespaceArgs:
    return ServingNamespaceArgs(namespace="models", role_arn=role("predictor"), region="us-west-2")


def runtime_args(serving: ServingNamespace, place: Placement) -> TritonRuntimeArgs:
    return TritonRuntimeArgs(
        namespace=serving.namespace,
        accelerator=Accelerator.GPU if place.has_gpu else Accelerator.CPU,
        image=IMAGE,
        node_selector=place.node_selector,
        tolerations=place.tolerations,
        latency_goal_ms=100,
        max_body_bytes=1024 * 1024,
    )


def gitops_args(serving: ServingNamespace) -> GitOpsArgs:
    return GitOpsArgs(
        stack="test-releases",
        repository="https://git.example/stillhouse.git",
        branch="main",
        state_bucket="state-of-the-test",
        state_key_alias="alias/stillhouse-pulumi",
        region="us-west-2",
        role_arn=role("releases"),
        serving_namespace=serving.namespace,
        image="registry.example/pulumi@sha256:" + "b" * 64,
        git_token=GIT_TOKEN,
    )


def role(name: str) -> str:
    return f"arn:aws:iam::123456789012:role/{name}"


def body(resource: Resource) -> Any:
    """The inputs as plain values, secrets opened."""
    return reveal(resource.inputs)


@cache
def captured(*, preview: bool = False) -> Capture:
    """The program's run; the same for every test that asks."""
    return capture(program, preview=preview, fakes=FAKES)
