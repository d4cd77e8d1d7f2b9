"""The place for conductors: a namespace that reaches git, Prometheus and names, and an account without rights.

A namespace of its own, because network policies add up: in the serving namespace a conductor would get what predictors
get, and predictors would get Prometheus and the git host.
"""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.conductor.pod import ACCOUNT, RESOURCES, TOKEN_KEY, TOKEN_SECRET
from infra.namespaces import Namespace, NamespaceArgs
from infra.network_rules import Allow, Port, dns, to_https
from infra.pods import PodRequests, pods

NAMESPACE = "conductor"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConductorRoomArgs:
    """How many conductors, and what they push with."""

    endpoints: int
    """Endpoints that are conducted: so many pods must fit on the system nodes."""
    git_token: pulumi.Input[str]
    """Secret that reads and pushes the branch, and can do nothing else."""
    prometheus_namespace: str = "monitoring"

    def __post_init__(self) -> None:
        if self.endpoints < 1:
            raise ValueError(f"endpoints: (got {self.endpoints}); allowed are 1 and more")

    def requests(self) -> tuple[PodRequests, ...]:
        """What the conductors ask of the system nodes."""
        return (pods("conductor", RESOURCES, count=self.endpoints),)


class ConductorRoom(pulumi.ComponentResource):
    """Namespace, account and the token; the conductors themselves come with the releases."""

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: ConductorRoomArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:conductor:ConductorRoom", name, None, opts)
        namespace = Namespace(
            f"{name}-namespace",
            NamespaceArgs(namespace=NAMESPACE, allow=conductor_network(args)),
            pulumi.ResourceOptions(parent=self),
        )
        child = pulumi.ResourceOptions(parent=self)
        core.ServiceAccount(
            f"{name}-account",
            metadata=ObjectMetaArgs(name=ACCOUNT, namespace=namespace.name),
            automount_service_account_token=False,
            opts=child,
        )
        token = core.Secret(
            f"{name}-token",
            metadata=ObjectMetaArgs(name=TOKEN_SECRET, namespace=namespace.name),
            string_data={TOKEN_KEY: pulumi.Output.secret(args.git_token)},
            opts=child,
        )
        self.namespace = token.metadata.namespace
        self.register_outputs({"namespace": self.namespace})


def conductor_network(args: ConductorRoomArgs) -> tuple[Allow, ...]:
    """Nobody in; out to names, the git host and Prometheus."""
    prometheus = Allow(
        name="prometheus", incoming=False, ports=(Port(number=9090),), namespaces=(args.prometheus_namespace,)
    )
    return (dns(), to_https("git"), prometheus)
