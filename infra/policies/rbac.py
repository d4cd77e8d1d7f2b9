"""Rules about roles in Kubernetes: what may be done to its own objects."""

from collections.abc import Callable, Iterator
from typing import Final

from infra.policies.judged import UNKNOWN, Judged, Maybe, Value, at, has_unknown, items
from infra.policies.rule import Complaints, Level, expect, holds, resource_rule, shown

ROLES: Final = ("rbac.authorization.k8s.io:Role", "rbac.authorization.k8s.io:ClusterRole")
BINDINGS: Final = ("rbac.authorization.k8s.io:RoleBinding", "rbac.authorization.k8s.io:ClusterRoleBinding")
ESCALATIONS: Final = frozenset({"bind", "escalate", "impersonate"})
READING: Final = frozenset({"get", "list", "watch", "*"})
WRITING: Final = frozenset({"create", "update", "patch", "delete", "*"})
WEBHOOKS: Final = ("validatingwebhookconfigurations", "mutatingwebhookconfigurations")


def _rules(role: Judged) -> Iterator[Value]:
    """The role's rules; UNKNOWN for one with an unknown part."""
    for rule in items(at(role.inputs, "rules")):
        yield UNKNOWN if has_unknown(rule) else rule


def _grants(rule: Value, resources: tuple[str, ...], verbs: frozenset[str]) -> bool:
    named = set(items(at(rule, "resources")))
    return bool(named & {*resources, "*"}) and bool(verbs & set(items(at(rule, "verbs"))))


def _complain(role: Judged, bad: Callable[[Value], bool], message: Callable[[Value], str]) -> Complaints:
    for rule in _rules(role):
        if rule is UNKNOWN:
            yield UNKNOWN
        elif bad(rule):
            yield message(rule)


@resource_rule(of=BINDINGS, row=10, sources=("CIS EKS 4.1.1", "C-0035"))
def nobody_is_bound_to_cluster_admin(binding: Judged) -> Complaints:
    """No binding makes anybody administrator of the cluster; access entries say who is."""
    role = at(binding.inputs, "roleRef", "name")
    yield from expect(holds(role, lambda value: value != "cluster-admin"), "roleRef.name must not be cluster-admin")


@resource_rule(of=ROLES, row=11, sources=("CIS EKS 4.1.3", "CKV_K8S_49"))
def roles_have_no_wildcards(role: Judged) -> Complaints:
    """A role names its verbs, its resources and their groups."""
    for rule in _rules(role):
        for field in ("verbs", "resources", "apiGroups"):
            named: Maybe = UNKNOWN if rule is UNKNOWN else "*" not in items(at(rule, field))
            yield from expect(named, f"rules[].{field} must not hold *")


@resource_rule(of=ROLES, row=11, sources=("CIS EKS 4.1.8", "CKV_K8S_157", "CKV_K8S_158", "CKV2_K8S_3"))
def roles_cannot_be_raised(role: Judged) -> Complaints:
    """No role may bind, escalate or impersonate: each leads to every other right."""
    yield from _complain(
        role,
        lambda rule: bool(ESCALATIONS & set(items(at(rule, "verbs")))),
        lambda rule: f"rules[].verbs must not hold {shown(sorted(ESCALATIONS & set(at(rule, 'verbs'))))}",
    )


@resource_rule(of=ROLES, row=12, sources=("CIS EKS 4.1.2", "CKV2_K8S_5", "C-0015"))
def secrets_are_read_by_name(role: Judged) -> Complaints:
    """A role that reads secrets names them."""
    yield from _complain(
        role,
        lambda rule: _grants(rule, ("secrets",), READING) and not at(rule, "resourceNames"),
        lambda _: "a rule that reads secrets needs resourceNames",
    )


@resource_rule(of=ROLES, row=13, sources=("CIS EKS 4.1.10", "C-0002", "CKV2_K8S_2"))
def nobody_enters_pods_or_nodes(role: Judged) -> Complaints:
    """No role enters a pod or reaches a node's kubelet through the API."""
    subresources = ("pods/exec", "pods/attach", "pods/ephemeralcontainers", "nodes/proxy")
    yield from _complain(
        role,
        lambda rule: bool(set(items(at(rule, "resources"))) & {*subresources, "*"}),
        lambda rule: f"rules[].resources holds a way into pods or nodes (got {shown(at(rule, 'resources'))})",
    )


@resource_rule(of=ROLES, row=14, sources=("CIS EKS 4.1.11", "CKV_K8S_155"))
def webhooks_are_changed_by_name(role: Judged) -> Complaints:
    """A role that changes admission webhooks names them."""
    yield from _complain(
        role,
        lambda rule: _grants(rule, WEBHOOKS, WRITING) and not at(rule, "resourceNames"),
        lambda _: "a rule that changes webhook configurations needs resourceNames",
    )


@resource_rule(
    of=(
        "admissionregistration.k8s.io:ValidatingWebhookConfiguration",
        "admissionregistration.k8s.io:MutatingWebhookConfiguration",
    ),
    row=14,
    sources=("EKS guide: reliability", "KServe #4710"),
    level=Level.ADVISORY,
)
def webhooks_are_bounded(configuration: Judged) -> Complaints:
    """A webhook answers within 10 seconds and leaves the system's own namespaces alone."""
    for webhook in items(at(configuration.inputs, "webhooks")):
        seconds = at(webhook, "timeoutSeconds")
        soon = holds(seconds, lambda value: value is None or float(value) <= 10)
        yield from expect(soon, f"webhooks[].timeoutSeconds must be 10 at most (got {shown(seconds)})")
        narrow = holds([at(webhook, "namespaceSelector"), at(webhook, "objectSelector")], any)
        yield from expect(narrow, "webhooks[] needs a namespaceSelector or an objectSelector")


RULES: Final = (
    nobody_is_bound_to_cluster_admin,
    roles_have_no_wildcards,
    roles_cannot_be_raised,
    secrets_are_read_by_name,
    nobody_enters_pods_or_nodes,
    webhooks_are_changed_by_name,
    webhooks_are_bounded,
)
