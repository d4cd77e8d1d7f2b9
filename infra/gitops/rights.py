"""What whoever applies releases may do in the cluster: the kinds of an endpoint, in the serving namespace alone."""

import pulumi
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.rbac import v1 as rbac

from infra.gitops.values import release_rules

API_GROUP = "rbac.authorization.k8s.io"


def release_rights(
    name: str,
    *,
    object_name: str,
    namespace: pulumi.Input[str],
    subject: rbac.SubjectArgs,
    opts: pulumi.ResourceOptions,
    after: list[pulumi.Resource] | None = None,
) -> rbac.RoleBinding:
    """A Role in the namespace and its binding to the subject; `after` must be there before the binding."""
    role = rbac.Role(
        f"{name}-role",
        metadata=ObjectMetaArgs(name=object_name, namespace=namespace),
        rules=[
            rbac.PolicyRuleArgs(api_groups=rule["apiGroups"], resources=rule["resources"], verbs=rule["verbs"])
            for rule in release_rules()
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
