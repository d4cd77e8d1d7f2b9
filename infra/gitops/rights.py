"""What whoever applies releases may do in the cluster: an endpoint's kinds in its namespace, conductors in theirs."""

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.rbac import v1 as rbac

from infra.gitops.values import conductor_rules, release_rules

API_GROUP = "rbac.authorization.k8s.io"


def release_rights(
    name: str,
    *,
    object_name: str,
    namespace: pulumi.Input[str],
    subject: rbac.SubjectArgs,
    opts: pulumi.ResourceOptions,
    after: list[pulumi.Resource] | None = None,
    conductor_namespace: pulumi.Input[str] | None = None,
) -> list[pulumi.Resource]:
    """A Role in each namespace and its binding to the subject; `after` must be there before the bindings."""
    places = [(name, namespace, release_rules())]
    if conductor_namespace is not None:
        places.append((f"{name}-conductor", conductor_namespace, conductor_rules()))
    return [_right(*place, object_name=object_name, subject=subject, opts=opts, after=after) for place in places]


def _right(
    name: str,
    namespace: pulumi.Input[str],
    rules: Sequence[Mapping[str, list[str]]],
    *,
    object_name: str,
    subject: rbac.SubjectArgs,
    opts: pulumi.ResourceOptions,
    after: list[pulumi.Resource] | None,
) -> rbac.RoleBinding:
    role = rbac.Role(
        f"{name}-role",
        metadata=ObjectMetaArgs(name=object_name, namespace=namespace),
        rules=[
            rbac.PolicyRuleArgs(api_groups=rule["apiGroups"], resources=rule["resources"], verbs=rule["verbs"])
            for rule in rules
        ],
        opts=opts,
    )
    return rbac.RoleBinding(
        f"{name}-binding",
        metadata=ObjectMetaArgs(name=object_name, namespace=namespace),
        role_ref=rbac.RoleRefArgs(api_group=API_GROUP, kind="Role", name=object_name),
        subjects=[subject],
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[role, *(after or [])])),
    )
