"""`Conductor`: one endpoint's rollouts, moved on by git and Prometheus alone.

It decides and pushes; whoever applies the branch moves the traffic. It has no Role, no token and no way in.
"""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apps import v1 as apps
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from infra.conductor.pod import BEAT, CLONE, pod_spec
from infra.versions import image_problem

_COMPONENT = "app.kubernetes.io/name"
_ENDPOINT = "stillhouse.dev/endpoint"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConductorArgs:
    """Which endpoint, and where everything is."""

    endpoint: str
    environment: str
    namespace: pulumi.Input[str]
    """Of the conductors; its account and token are there."""
    image: str
    """By digest; its entry point is `stillhouse`, and it has git."""
    repository: str
    """`https://` address of the git repository."""
    branch: str
    prometheus_url: pulumi.Input[str]
    serving_namespace: pulumi.Input[str]
    gateway_namespace: pulumi.Input[str]
    scrape_s: int
    """Between two scrapes of the gateways."""

    def __post_init__(self) -> None:
        if problem := image_problem(self.image):
            raise ValueError(f"image: (got {self.image}); {problem}")


class Conductor(pulumi.ComponentResource):
    """A Deployment of one pod."""

    def __init__(self, name: str, args: ConductorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:conductor:Conductor", name, None, opts)
        labels = {_COMPONENT: "conductor", _ENDPOINT: args.endpoint}
        apps.Deployment(
            f"{name}-deployment",
            metadata=ObjectMetaArgs(
                name=args.endpoint,
                namespace=args.namespace,
                labels=labels,
                # A conductor that cannot come up holds no rollback up: traffic never waits for it.
                annotations={"pulumi.com/skipAwait": "true"},
            ),
            spec=apps.DeploymentSpecArgs(
                replicas=1,
                # Of two, one would lose every race; the branch takes one decision at a time anyway.
                strategy=apps.DeploymentStrategyArgs(type="Recreate"),
                revision_history_limit=2,
                selector=LabelSelectorArgs(match_labels=labels),
                template=core.PodTemplateSpecArgs(
                    metadata=ObjectMetaArgs(labels=labels),
                    spec=pod_spec(image=args.image, arguments=arguments(args)),
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def arguments(args: ConductorArgs) -> list[pulumi.Input[str]]:
    """Of `stillhouse`: it goes on from trial to trial, and watches what somebody holds."""
    told: dict[str, pulumi.Input[str]] = {
        "--endpoint": args.endpoint,
        "--env": args.environment,
        "--repo": CLONE,
        "--clone": args.repository,
        "--branch": args.branch,
        "--prometheus": args.prometheus_url,
        "--namespace": args.serving_namespace,
        "--gateway-namespace": args.gateway_namespace,
        "--scrape-s": str(args.scrape_s),
        "--until": "told",
        "--beat": BEAT,
    }
    return ["release", "run", "--stay", *(word for pair in told.items() for word in pair)]
