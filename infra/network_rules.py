"""Who may talk to whom inside the cluster: small rules -> NetworkPolicy bodies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs
from pulumi_kubernetes.networking import v1 as networking

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""The API server puts it on every namespace."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Port:
    """A port of the pods (not of their Service)."""

    number: int
    protocol: str = "TCP"


@dataclass(frozen=True, kw_only=True, slots=True)
class Allow:
    """One kind of connection that a namespace's pods may have."""

    name: str
    """Last part of the policy's name."""
    incoming: bool
    ports: Sequence[Port]
    """Of the pods that are connected to; none: all."""
    namespaces: Sequence[pulumi.Input[str]] = ()
    """Names of the namespaces at the other end; with `cidrs` also empty: anybody."""
    cidrs: Sequence[pulumi.Input[str]] = ()
    """Address ranges at the other end."""
    excluded_cidrs: Sequence[str] = ()
    """Taken out of every range of `cidrs`."""
    pods: Mapping[str, str] = field(default_factory=dict)
    """Labels of the namespace's own pods that this is for; none: all of them."""


def dns() -> Allow:
    """To CoreDNS."""
    ports = (Port(number=53, protocol="UDP"), Port(number=53))
    return Allow(name="dns", incoming=False, ports=ports, namespaces=("kube-system",))


def to_https(name: str = "https") -> Allow:
    """To the API server, AWS and public HTTPS: addresses that nobody knows beforehand, on port 443 only.

    The instance metadata address is left out: pods have roles of their own.
    """
    return Allow(
        name=name,
        incoming=False,
        ports=(Port(number=443),),
        cidrs=("0.0.0.0/0",),
        excluded_cidrs=("169.254.169.254/32",),
    )


def within(namespace: pulumi.Input[str]) -> tuple[Allow, Allow]:
    """Between pods of one namespace, both ways."""
    return (
        Allow(name="within-in", incoming=True, ports=(), namespaces=(namespace,)),
        Allow(name="within-out", incoming=False, ports=(), namespaces=(namespace,)),
    )


def webhook(port: int) -> Allow:
    """From the API server, whose addresses nobody knows beforehand, to a webhook."""
    return Allow(name=f"webhook-{port}", incoming=True, ports=(Port(number=port),))


def metrics(port: int, *, prometheus_namespace: pulumi.Input[str]) -> Allow:
    """From Prometheus."""
    return Allow(name=f"metrics-{port}", incoming=True, ports=(Port(number=port),), namespaces=(prometheus_namespace,))


def deny_all() -> networking.NetworkPolicySpecArgs:
    """Nothing in and nothing out, for every pod, unless another policy allows it."""
    return networking.NetworkPolicySpecArgs(
        pod_selector=LabelSelectorArgs(), policy_types=["Ingress", "Egress"], ingress=[], egress=[]
    )


def policy(rule: Allow) -> networking.NetworkPolicySpecArgs:
    """The body of one rule."""
    selector = LabelSelectorArgs(match_labels=dict(rule.pods)) if rule.pods else LabelSelectorArgs()
    ports = [networking.NetworkPolicyPortArgs(port=port.number, protocol=port.protocol) for port in rule.ports]
    peers = _peers(rule)
    if rule.incoming:
        inward = networking.NetworkPolicyIngressRuleArgs(from_=peers or None, ports=ports or None)
        return networking.NetworkPolicySpecArgs(pod_selector=selector, policy_types=["Ingress"], ingress=[inward])
    outward = networking.NetworkPolicyEgressRuleArgs(to=peers or None, ports=ports or None)
    return networking.NetworkPolicySpecArgs(pod_selector=selector, policy_types=["Egress"], egress=[outward])


def _peers(rule: Allow) -> list[networking.NetworkPolicyPeerArgs]:
    named = [
        networking.NetworkPolicyPeerArgs(namespace_selector=LabelSelectorArgs(match_labels={NAMESPACE_LABEL: name}))
        for name in rule.namespaces
    ]
    ranges = [
        networking.NetworkPolicyPeerArgs(
            ip_block=networking.IPBlockArgs(cidr=cidr, except_=list(rule.excluded_cidrs) or None)
        )
        for cidr in rule.cidrs
    ]
    return named + ranges
