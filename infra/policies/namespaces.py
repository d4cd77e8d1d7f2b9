"""Rules about namespaces: what may run in them, what they may talk to, and how their pods survive a drain."""

from collections.abc import Sequence
from typing import Final

from infra.policies.judged import UNKNOWN, Judged, Maybe, Value, at, both, either, has_unknown, items
from infra.policies.pod_views import RUNTIMES, SERVICE, labels_of_pods, namespace, object_name, pod_spec
from infra.policies.rule import (
    Complaints,
    StackComplaints,
    expect,
    holds,
    of_kind,
    resource_rule,
    shown,
    stack_rule,
)

NAMESPACE: Final = "core:Namespace"
NETWORK_POLICY: Final = "networking.k8s.io:NetworkPolicy"
BUDGET: Final = "policy:PodDisruptionBudget"
LABEL: Final = "pod-security.kubernetes.io"
SERVING: Final = (SERVICE, RUNTIMES[0])
REASON: Final = "stillhouse.dev/pod-security"
"""Annotation that says which pod needs more than `restricted`."""


@resource_rule(of=(NAMESPACE,), row=25, sources=("PSS", "EKS guide: pods", "CIS EKS 4.2.1"))
def namespaces_limit_their_pods(space: Judged) -> Complaints:
    """A namespace enforces a pod security level, audits and warns of one, each at a pinned version."""
    labels = at(space.inputs, "metadata", "labels")
    for mode in ("enforce", "audit", "warn"):
        level = at(labels, f"{LABEL}/{mode}")
        yield from expect(holds(level, bool), f"label {LABEL}/{mode} is missing")
        version = at(labels, f"{LABEL}/{mode}-version")
        pinned = holds(version, lambda value: str(value).startswith("v1."))
        yield from expect(pinned, f"label {LABEL}/{mode}-version must be a version like v1.35 (got {shown(version)})")


@resource_rule(of=(NAMESPACE,), row=25, sources=("PSS", "EKS guide: pods"))
def lower_pod_security_has_a_reason(space: Judged) -> Complaints:
    """A namespace that lets more than `restricted` pods in says which pod needs it."""
    level = at(space.inputs, "metadata", "labels", f"{LABEL}/enforce")
    restricted = holds(level, lambda value: value == "restricted")
    reasoned = holds(at(space.inputs, "metadata", "annotations", REASON), bool)
    yield from expect(either((restricted, reasoned)), f"enforces {shown(level)}; annotation {REASON} must say why")


def _is(space: Judged, name: Value) -> Maybe:
    return holds([object_name(space), name], lambda pair: pair[0] == pair[1])


@stack_rule(of=(NAMESPACE,), row=25, sources=("PSS restricted", "CIS EKS 4.2.1"))
def models_run_restricted(resources: Sequence[Judged]) -> StackComplaints:
    """A namespace in which models run enforces `restricted`."""
    for space in of_kind(resources, NAMESPACE):
        serves = either(_is(space, namespace(served)) for served in of_kind(resources, *SERVING))
        level = at(space.inputs, "metadata", "labels", f"{LABEL}/enforce")
        restricted = holds(level, lambda value: value == "restricted")
        idle: Maybe = UNKNOWN if serves is UNKNOWN else not serves
        for complaint in expect(either((restricted, idle)), f"{LABEL}/enforce must be restricted (got {shown(level)})"):
            yield space, complaint


def denies_all(policy: Judged) -> Maybe:
    """Selects every pod, and allows nothing in or out."""
    return holds(
        at(policy.inputs, "spec"),
        lambda spec: (
            not at(spec, "podSelector", "matchLabels")
            and not at(spec, "podSelector", "matchExpressions")
            and set(items(at(spec, "policyTypes"))) == {"Ingress", "Egress"}
            and not at(spec, "ingress")
            and not at(spec, "egress")
        ),
    )


@stack_rule(of=(NAMESPACE,), row=35, sources=("CIS EKS 4.3.2", "CKV2_K8S_6", "C-0030", "EKS guide: network"))
def namespaces_deny_by_default(resources: Sequence[Judged]) -> StackComplaints:
    """Every namespace denies all traffic that no policy allows."""
    policies = of_kind(resources, NETWORK_POLICY)
    for space in of_kind(resources, NAMESPACE):
        denied = either(both(_is(space, namespace(policy)), denies_all(policy)) for policy in policies)
        message = "no NetworkPolicy denies everything to every pod, in and out"
        for complaint in expect(denied, message):
            yield space, complaint


@resource_rule(of=(NETWORK_POLICY,), row=35, sources=("EKS guide: network", "CIS EKS 4.3.2"))
def network_policies_let_no_everybody_in(policy: Judged) -> Complaints:
    """No network policy lets everybody in on every port."""
    for rule in items(at(policy.inputs, "spec", "ingress")):
        narrow = holds([at(rule, "from"), at(rule, "ports")], any)
        yield from expect(narrow, "spec.ingress[] allows everybody on every port")
        for peer in items(at(rule, "from")):
            world = holds(at(peer, "ipBlock", "cidr"), lambda value: value not in ("0.0.0.0/0", "::/0"))
            yield from expect(world, "spec.ingress[].from[].ipBlock allows the whole internet")


def _selects(selector: Value, labels: Value) -> Maybe:
    """Whether a selector of labels matches; expressions are not looked into."""
    if has_unknown([selector, labels]) or at(selector, "matchExpressions"):
        return UNKNOWN
    wanted = at(selector, "matchLabels") or {}
    return all(at(labels, key) == value for key, value in wanted.items())


@stack_rule(of=(SERVICE, "apps:Deployment", "apps:StatefulSet"), row=34, sources=("EKS guide: reliability",))
def drains_leave_replicas(resources: Sequence[Judged]) -> StackComplaints:
    """Pods of which there is more than one are kept from being drained all at once by a disruption budget."""
    budgets = of_kind(resources, BUDGET)
    for pod in of_kind(resources, SERVICE, "apps:Deployment", "apps:StatefulSet"):
        least = at(pod_spec(pod), "minReplicas") if pod.kind == SERVICE else at(pod.inputs, "spec", "replicas")
        single = holds(least, lambda value: value is None or float(value) <= 1)
        covered = either(
            both(
                holds([namespace(budget), namespace(pod)], lambda pair: pair[0] == pair[1]),
                _selects(at(budget.inputs, "spec", "selector"), labels_of_pods(pod)),
            )
            for budget in budgets
        )
        for complaint in expect(either((single, covered)), "no PodDisruptionBudget covers its pods"):
            yield pod, complaint


@resource_rule(of=(BUDGET,), row=34, sources=("EKS guide: reliability",))
def budgets_let_nodes_go(budget: Judged) -> Complaints:
    """A disruption budget lets at least one pod go, or no node is ever drained."""
    spec = at(budget.inputs, "spec")
    some = holds(at(spec, "maxUnavailable"), lambda value: value not in (0, 0.0, "0", "0%"))
    yield from expect(some, "spec.maxUnavailable of 0 blocks every drain")
    part = holds(at(spec, "minAvailable"), lambda value: value != "100%")
    yield from expect(part, "spec.minAvailable of 100% blocks every drain")


RULES: Final = (
    namespaces_limit_their_pods,
    lower_pod_security_has_a_reason,
    models_run_restricted,
    namespaces_deny_by_default,
    network_policies_let_no_everybody_in,
    drains_leave_replicas,
    budgets_let_nodes_go,
)
