"""The Pulumi Kubernetes Operator with one Stack: merged commits reach the serving namespace, and nothing else."""

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.rbac import v1 as rbac

from infra.chart import release
from infra.gitops.args import NAMESPACE, SERVICE_ACCOUNT, GitOpsArgs
from infra.gitops.rights import API_GROUP, release_rights
from infra.gitops.values import TOKEN_KEY, TOKEN_SECRET, operator_values, stack_spec
from infra.manifest import custom
from infra.namespaces import Namespace, NamespaceArgs
from infra.network_rules import dns, to_https, within


class GitOps(pulumi.ComponentResource):
    """The operator and the stack that it keeps."""

    namespace: pulumi.Output[str]
    release: pulumi.Resource

    def __init__(self, name: str, args: GitOpsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:gitops:GitOps", name, None, opts)
        namespace = Namespace(
            f"{name}-namespace",
            NamespaceArgs(namespace=NAMESPACE, allow=(dns(), to_https(), *within(NAMESPACE))),
            pulumi.ResourceOptions(parent=self),
        )
        self.namespace = namespace.name
        self.release = release(
            f"{name}-operator",
            args.chart,
            namespace=self.namespace,
            values=operator_values(args),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[namespace]),
        )
        before: list[pulumi.Resource] = [self.release, *self._rights(name, args)]
        if args.git_token is not None:
            token = core.Secret(
                f"{name}-token",
                metadata=ObjectMetaArgs(name=TOKEN_SECRET, namespace=self.namespace),
                string_data={TOKEN_KEY: pulumi.Output.secret(args.git_token)},
                opts=pulumi.ResourceOptions(parent=self),
            )
            before.append(token)
        custom(
            f"{name}-stack",
            api_version="pulumi.com/v1",
            kind="Stack",
            name=args.stack,
            namespace=self.namespace,
            spec=stack_spec(args),
            opts=pulumi.ResourceOptions(parent=self, depends_on=before),
        )
        self.register_outputs({"namespace": self.namespace})

    def _rights(self, name: str, args: GitOpsArgs) -> list[pulumi.Resource]:
        """The account, what it may do to endpoints, and the token review without which the operator cannot reach it."""
        child = pulumi.ResourceOptions(parent=self)
        account = core.ServiceAccount(
            f"{name}-account",
            metadata=ObjectMetaArgs(
                name=SERVICE_ACCOUNT,
                namespace=self.namespace,
                annotations={"eks.amazonaws.com/role-arn": args.role_arn},
            ),
            opts=child,
        )
        subject = rbac.SubjectArgs(kind="ServiceAccount", name=SERVICE_ACCOUNT, namespace=self.namespace)
        bindings = release_rights(
            name,
            object_name=SERVICE_ACCOUNT,
            namespace=args.serving_namespace,
            subject=subject,
            opts=child,
            after=[account],
            conductor_namespace=args.conductor_namespace,
        )
        review = rbac.ClusterRoleBinding(
            f"{name}-token-review",
            metadata=ObjectMetaArgs(name=f"{NAMESPACE}-{SERVICE_ACCOUNT}-token-review"),
            role_ref=rbac.RoleRefArgs(api_group=API_GROUP, kind="ClusterRole", name="system:auth-delegator"),
            subjects=[subject],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account]),
        )
        return [account, *bindings, review]
