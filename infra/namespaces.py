"""A namespace with a Pod Security level, nothing allowed over the network, and then only what is named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.networking import v1 as networking

from infra.network_rules import Allow, deny_all, policy
from infra.versions import KUBERNETES

INJECTION_LABEL = "istio-injection"


class PodSecurity(StrEnum):
    """Levels of the Pod Security Standards."""

    RESTRICTED = "restricted"
    BASELINE = "baseline"
    PRIVILEGED = "privileged"


@dataclass(frozen=True, kw_only=True, slots=True)
class NamespaceArgs:
    """One namespace."""

    namespace: str
    """The object's name."""
    pod_security: PodSecurity = PodSecurity.RESTRICTED
    """What the API server enforces; it warns of anything less than restricted in any case."""
    why_not_restricted: str = ""
    """Which pod needs more; required where the level is not restricted."""
    in_mesh: bool = False
    """Whether Istio puts its sidecar into every pod."""
    allow: Sequence[Allow] = ()
    """Connections that pods may have."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """More labels."""

    def __post_init__(self) -> None:
        if self.pod_security is not PodSecurity.RESTRICTED and not self.why_not_restricted:
            raise ValueError(
                f"namespace {self.namespace}: pod_security (got {self.pod_security}) needs `why_not_restricted`; "
                "allowed without is restricted"
            )


class Namespace(pulumi.ComponentResource):
    """The namespace and its network policies."""

    name: pulumi.Output[str]
    """Known only once the namespace is there, so that what uses it waits."""

    def __init__(self, name: str, args: NamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:namespaces:Namespace", name, None, opts)
        created = core.Namespace(
            f"{name}-namespace",
            metadata=ObjectMetaArgs(
                name=args.namespace, labels=namespace_labels(args), annotations=namespace_annotations(args) or None
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.name = created.metadata.name
        rules = {"deny-all": deny_all()} | {rule.name: policy(rule) for rule in args.allow}
        for rule_name, spec in rules.items():
            networking.NetworkPolicy(
                f"{name}-{rule_name}",
                metadata=ObjectMetaArgs(name=rule_name, namespace=self.name),
                spec=spec,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"name": self.name})


def namespace_labels(args: NamespaceArgs) -> dict[str, str]:
    """Pod Security labels with their version pinned, and the mesh's."""
    prefix, version = "pod-security.kubernetes.io", f"v{KUBERNETES}"
    return {
        f"{prefix}/enforce": args.pod_security.value,
        f"{prefix}/enforce-version": version,
        f"{prefix}/audit": PodSecurity.RESTRICTED.value,
        f"{prefix}/audit-version": version,
        f"{prefix}/warn": PodSecurity.RESTRICTED.value,
        f"{prefix}/warn-version": version,
        INJECTION_LABEL: "enabled" if args.in_mesh else "disabled",
        **args.labels,
    }


def namespace_annotations(args: NamespaceArgs) -> dict[str, str]:
    """The reason for a lower level, where an auditor will look for it."""
    return {"stillhouse.dev/pod-security": args.why_not_restricted} if args.why_not_restricted else {}
