"""The AWS Load Balancer Controller: turns the gateway's Service into an internal network load balancer."""

from dataclasses import dataclass
from typing import Any

import pulumi

from infra import versions
from infra.chart import release
from infra.pods import PodRequests, Resources, pods
from infra.versions import Chart

NAMESPACE = "kube-system"
SERVICE_ACCOUNT = "aws-load-balancer-controller"
"""What the role's trust policy names, with the namespace."""

_RESOURCES = Resources(cpu_millicores=50, memory_mib=128)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadBalancerControllerArgs:
    """Where it works and as whom."""

    cluster_name: pulumi.Input[str]
    vpc_id: pulumi.Input[str]
    region: pulumi.Input[str]
    role_arn: pulumi.Input[str]
    """IRSA role whose trust names `NAMESPACE` and `SERVICE_ACCOUNT`."""
    replicas: int = 2
    resources: Resources = _RESOURCES
    chart: Chart = versions.LOAD_BALANCER_CONTROLLER

    def requests(self) -> tuple[PodRequests, ...]:
        """What its pods ask of the system nodes."""
        return (pods(SERVICE_ACCOUNT, self.resources, count=self.replicas),)


class LoadBalancerController(pulumi.ComponentResource):
    """The controller. Whatever owns a load balancer depends on it, so that the balancer is deleted first."""

    release: pulumi.Resource

    def __init__(self, name: str, args: LoadBalancerControllerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:load_balancer:LoadBalancerController", name, None, opts)
        self.release = release(
            f"{name}-release",
            args.chart,
            namespace=NAMESPACE,
            values=controller_values(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def controller_values(args: LoadBalancerControllerArgs) -> dict[str, Any]:
    """The chart's values."""
    return {
        "clusterName": args.cluster_name,
        "region": args.region,
        "vpcId": args.vpc_id,
        "replicaCount": args.replicas,
        "resources": args.resources.values(),
        "serviceAccount": {
            "create": True,
            "name": SERVICE_ACCOUNT,
            "annotations": {"eks.amazonaws.com/role-arn": args.role_arn},
        },
        # The webhook would put itself between every Service of the cluster and the API server; ours names its class.
        "enableServiceMutatorWebhook": False,
        # No Ingress and no Gateway of Kubernetes is served: one way in, a Service.
        "controllerConfig": {"featureGates": {"ALBGatewayAPI": False, "NLBGatewayAPI": False}},
        "createIngressClassResource": False,
        "ingressClassParams": {"create": False},
        "podDisruptionBudget": {"maxUnavailable": 1},
        "securityContext": {
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
