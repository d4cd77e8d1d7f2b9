"""The namespace of jobs that write models: restricted pods that reach AWS, and nothing else in the cluster."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.namespaces import Namespace, NamespaceArgs
from infra.network_rules import dns, to_https

NAMESPACE = "publishing"
SERVICE_ACCOUNT = "publisher"
"""What the publishing role's trust policy names, with the namespace."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishingArgs:
    """As whom jobs write."""

    role_arn: pulumi.Input[str]
    """IRSA role that writes models; its trust names `NAMESPACE` and `SERVICE_ACCOUNT`."""


class Publishing(pulumi.ComponentResource):
    """The namespace and its account; jobs themselves are the training's matter."""

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: PublishingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:publishing:Publishing", name, None, opts)
        namespace = Namespace(
            f"{name}-namespace",
            NamespaceArgs(namespace=NAMESPACE, allow=(dns(), to_https())),
            pulumi.ResourceOptions(parent=self),
        )
        self.namespace = namespace.name
        core.ServiceAccount(
            f"{name}-account",
            metadata=ObjectMetaArgs(
                name=SERVICE_ACCOUNT,
                namespace=self.namespace,
                annotations={"eks.amazonaws.com/role-arn": args.role_arn},
            ),
            # The token for AWS is mounted by itself; the API server is none of a training job's business.
            automount_service_account_token=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"namespace": self.namespace})
