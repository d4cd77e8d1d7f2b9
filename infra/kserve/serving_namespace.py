"""Where models run: restricted pods in the mesh that reach S3 and STS and nothing else, and the account they run as."""

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.kserve.triton_pod import HTTP_PORT, METRICS_PORT
from infra.manifest import custom
from infra.namespaces import Namespace, NamespaceArgs
from infra.network_rules import Allow, Port, dns, metrics, to_https

SERVICE_ACCOUNT = "predictor"
"""What the serving role's trust policy names, with the namespace."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServingNamespaceArgs:
    """One namespace for all endpoints of the environment."""

    namespace: str
    role_arn: pulumi.Input[str]
    """IRSA role that reads the models; its trust names the namespace and `SERVICE_ACCOUNT`."""
    region: str
    """Of the bucket."""
    gateway_namespace: str = "istio-ingress"
    mesh_namespace: str = "istio-system"
    prometheus_namespace: str = "monitoring"


class ServingNamespace(pulumi.ComponentResource):
    """The namespace. Depend it on the mesh, whose webhooks judge what is in it."""

    namespace: pulumi.Output[str]
    service_account: pulumi.Output[str]

    def __init__(self, name: str, args: ServingNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:kserve:ServingNamespace", name, None, opts)
        namespace = Namespace(
            f"{name}-namespace",
            NamespaceArgs(namespace=args.namespace, in_mesh=True, allow=serving_network(args)),
            pulumi.ResourceOptions(parent=self),
        )
        self.namespace = namespace.name
        child = pulumi.ResourceOptions(parent=self)
        account = core.ServiceAccount(
            f"{name}-account",
            metadata=ObjectMetaArgs(
                name=SERVICE_ACCOUNT, namespace=self.namespace, annotations=account_annotations(args)
            ),
            # IRSA and the sidecar mount tokens of their own; the API server is none of a model's business.
            automount_service_account_token=False,
            opts=child,
        )
        self.service_account = account.metadata.name
        custom(
            f"{name}-storage",
            api_version="networking.istio.io/v1",
            kind="ServiceEntry",
            name="model-storage",
            namespace=self.namespace,
            spec=storage_spec(args.region),
            opts=child,
        )
        custom(
            f"{name}-sidecar",
            api_version="networking.istio.io/v1",
            kind="Sidecar",
            name="default",
            namespace=self.namespace,
            spec={
                "egress": [{"hosts": ["./*", f"{args.mesh_namespace}/*"]}],
                "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
            },
            opts=child,
        )
        self.register_outputs({"namespace": self.namespace, "service_account": self.service_account})


def account_annotations(args: ServingNamespaceArgs) -> dict[str, pulumi.Input[str]]:
    """The role, and what KServe tells its downloader about S3."""
    prefix = "serving.kserve.io/s3"
    return {
        "eks.amazonaws.com/role-arn": args.role_arn,
        "eks.amazonaws.com/sts-regional-endpoints": "true",
        f"{prefix}-endpoint": f"s3.{args.region}.amazonaws.com",
        f"{prefix}-region": args.region,
        f"{prefix}-usehttps": "1",
        f"{prefix}-verifyssl": "1",
        f"{prefix}-usevirtualbucket": "1",
        f"{prefix}-useanoncredential": "false",
    }


def storage_spec(region: str) -> dict[str, Any]:
    """The body of the ServiceEntry: the mesh sends to no host that it does not know."""
    suffix = f"{region}.amazonaws.com"
    return {
        "hosts": [f"s3.{suffix}", f"*.s3.{suffix}", f"sts.{suffix}"],
        "ports": [{"number": 443, "name": "tls", "protocol": "TLS"}],
        "location": "MESH_EXTERNAL",
        "resolution": "NONE",
        "exportTo": ["."],
    }


def serving_network(args: ServingNamespaceArgs) -> tuple[Allow, ...]:
    """In from the gateway and Prometheus; out to DNS, istiod and HTTPS (the sidecar narrows it to S3 and STS)."""
    return (
        dns(),
        to_https("storage"),
        Allow(
            name="gateway",
            incoming=True,
            ports=(Port(number=HTTP_PORT),),
            namespaces=(args.gateway_namespace,),
        ),
        metrics(METRICS_PORT, prometheus_namespace=args.prometheus_namespace),
        metrics(15090, prometheus_namespace=args.prometheus_namespace),
        Allow(name="istiod", incoming=False, ports=(Port(number=15012),), namespaces=(args.mesh_namespace,)),
    )
