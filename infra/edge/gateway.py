"""Values of Istio's gateway chart, and the Gateway that says which port and hostname it answers."""

import json
from typing import Any

import pulumi

from infra.edge.args import HTTPS_PORT, NAME, STATUS_PORT, TARGET_PORT, EdgeArgs
from infra.mesh.values import histogram_annotation, spread

DRAIN_S = 150
"""How long a pod that stops still answers: a network load balancer takes minutes to learn that a target is gone."""
DEREGISTRATION_S = 120
"""How long the load balancer keeps the connections of a target that it was told to leave."""
READINESS_GATE = {"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"}
"""Label of the namespace: a new pod is ready once the load balancer sends to it, so a rollout waits for that."""
SELECTOR = {"istio": "ingress"}
"""The chart labels its pods with the release's name, less `istio-`."""
_PREFIX = "service.beta.kubernetes.io/aws-load-balancer"


def gateway_values(args: EdgeArgs) -> dict[str, Any]:
    """The chart's values."""
    return {
        "service": {
            "type": "LoadBalancer",
            # Named, so that neither Kubernetes' own controller nor a mutating webhook has a say.
            "loadBalancerClass": "service.k8s.aws/nlb",
            "allocateLoadBalancerNodePorts": False,
            "loadBalancerSourceRanges": list(args.allowed_cidrs),
            "ports": [{"name": "https", "port": HTTPS_PORT, "targetPort": TARGET_PORT, "protocol": "TCP"}],
            "annotations": load_balancer_annotations(args),
        },
        "resources": {**args.resources.values(), "limits": {"cpu": "2", "memory": f"{args.resources.limit_mib}Mi"}},
        "autoscaling": {
            "enabled": True,
            "minReplicas": args.replicas,
            "maxReplicas": args.max_replicas or 3 * args.replicas,
            "targetCPUUtilizationPercentage": 70,
        },
        "podDisruptionBudget": {"maxUnavailable": 1},
        "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "topologySpreadConstraints": spread(NAME),
        "terminationGracePeriodSeconds": DRAIN_S + 20,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "podAnnotations": {
            **histogram_annotation(args.latency_goal_ms),
            "proxy.istio.io/config": json.dumps(
                {
                    "terminationDrainDuration": f"{DRAIN_S}s",
                    "proxyMetadata": {"ISTIO_META_GLOBAL_DOWNSTREAM_MAX_CONNECTIONS": str(args.limits.max_connections)},
                }
            ),
        },
    }


def load_balancer_annotations(args: EdgeArgs) -> dict[str, pulumi.Input[str]]:
    """What the load-balancer controller reads: an internal balancer that talks to the pods themselves."""
    annotations: dict[str, pulumi.Input[str]] = {
        f"{_PREFIX}-scheme": "internal",
        f"{_PREFIX}-nlb-target-type": "ip",
        f"{_PREFIX}-healthcheck-protocol": "http",
        f"{_PREFIX}-healthcheck-port": str(STATUS_PORT),
        f"{_PREFIX}-healthcheck-path": "/healthz/ready",
        f"{_PREFIX}-attributes": "load_balancing.cross_zone.enabled=true",
        f"{_PREFIX}-target-group-attributes": f"deregistration_delay.timeout_seconds={DEREGISTRATION_S}",
    }
    if args.tags:
        tags = ",".join(f"{key}={value}" for key, value in sorted(args.tags.items()))
        annotations[f"{_PREFIX}-additional-resource-tags"] = tags
    if args.subnet_ids:
        annotations[f"{_PREFIX}-subnets"] = pulumi.Output.all(*args.subnet_ids).apply(",".join)
    if args.publish_dns:
        annotations["external-dns.alpha.kubernetes.io/hostname"] = args.hostname
    if args.listener_certificate_arn is not None:
        annotations |= {
            f"{_PREFIX}-ssl-cert": args.listener_certificate_arn,
            f"{_PREFIX}-ssl-ports": str(HTTPS_PORT),
            f"{_PREFIX}-ssl-negotiation-policy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            f"{_PREFIX}-backend-protocol": "ssl",
            f"{_PREFIX}-alpn-policy": "HTTP2Preferred",
        }
    return annotations


def gateway_spec(args: EdgeArgs, *, secret: str) -> dict[str, Any]:
    """One HTTPS port for one hostname, for the routes of one namespace; port 80 is closed.

    A load balancer that ends TLS names no host when it begins anew, so behind one every name is taken here and the
    AuthorizationPolicies alone refuse other hosts.
    """
    host = args.hostname if args.listener_certificate_arn is None else "*"
    server = {
        "port": {"number": HTTPS_PORT, "name": "https", "protocol": "HTTPS"},
        "hosts": [f"{args.serving_namespace}/{host}"],
        "tls": {"mode": "SIMPLE", "credentialName": secret, "minProtocolVersion": "TLSV1_2"},
    }
    return {"selector": SELECTOR, "servers": [server]}
