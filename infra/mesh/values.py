"""Values of Istio's charts: the mesh-wide settings, each with its reason."""

import json
from typing import Any

from infra.pods import Resources

_SIDECAR = Resources(cpu_millicores=100, memory_mib=128, memory_limit_mib=512)
DRAIN_S = 25
"""How long a proxy that is told to stop still serves open connections."""


def base_values() -> dict[str, Any]:
    """CRDs as templates, so that an upgrade of the chart upgrades them."""
    return {"defaultRevision": "default", "global": {"enableReaderRBAC": False}}


def cni_values(resources: Resources) -> dict[str, Any]:
    """The plugin redirects pods' traffic, so that no pod needs the right to change its network."""
    return {
        "ambient": {"enabled": False},
        "resources": resources.values(),
        "seccompProfile": {"type": "RuntimeDefault"},
        # A pod that started before the plugin was there is restarted, not deleted.
        "repair": {"enabled": True, "repairPods": True, "deletePods": False},
    }


def istiod_values(*, replicas: int, resources: Resources) -> dict[str, Any]:
    """istiod, the sidecars it injects and the mesh they form."""
    return {
        "autoscaleEnabled": False,
        "replicaCount": replicas,
        "resources": resources.values(),
        "seccompProfile": {"type": "RuntimeDefault"},
        "cni": {"enabled": True},
        # The proxy starts before a model's downloader and stops after Triton.
        "env": {"ENABLE_NATIVE_SIDECARS": "true"},
        "topologySpreadConstraints": spread("istiod"),
        "global": {
            "defaultPodDisruptionBudget": {"enabled": replicas > 1},
            "logAsJson": True,
            "proxy": {
                "resources": {**_SIDECAR.values(), "limits": {"cpu": "2", "memory": f"{_SIDECAR.limit_mib}Mi"}},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        },
        "sidecarInjectorWebhook": {"enableNamespacesByDefault": False},
        "meshConfig": mesh_config(),
    }


def mesh_config() -> dict[str, Any]:
    """What holds for every proxy."""
    return {
        "accessLogFile": "/dev/stdout",
        "accessLogEncoding": "JSON",
        # A predictor that was taken over can call nobody who is not in the registry; NetworkPolicies say so again.
        "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
        # Policies compare paths: `//`, `%2f` and `%2F` must not be other paths.
        "pathNormalization": {"normalization": "DECODE_AND_MERGE_SLASHES"},
        "meshMTLS": {"minProtocolVersion": "TLSV1_3"},
        "tlsDefaults": {"minProtocolVersion": "TLSV1_2"},
        "enableAutoMtls": True,
        # PodMonitors scrape Envoy and Triton each at its own port.
        "enablePrometheusMerge": False,
        "defaultConfig": {
            "holdApplicationUntilProxyStarts": True,
            "terminationDrainDuration": f"{DRAIN_S}s",
            "proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "true"},
        },
    }


def histogram_buckets(latency_goal_ms: int) -> list[float]:
    """Upper bounds in ms of Istio's request histograms: fine around the goal, coarse far from it."""
    shares = (
        0.05,
        0.1,
        0.2,
        0.3,
        0.4,
        0.5,
        0.6,
        0.7,
        0.75,
        0.8,
        0.85,
        0.9,
        0.95,
        1.0,
        1.05,
        1.1,
        1.25,
        1.5,
        2,
        3,
        5,
        10,
    )
    return [round(latency_goal_ms * share, 3) for share in shares]


def spread(app: str) -> list[dict[str, Any]]:
    """Over zones and nodes, as far as it goes: a pod that cannot be spread still runs."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app": app}},
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def histogram_annotation(latency_goal_ms: int) -> dict[str, str]:
    """What a pod carries for its proxy to measure in these buckets."""
    buckets = {"istiocustom": histogram_buckets(latency_goal_ms)}
    return {"sidecar.istio.io/statsHistogramBuckets": json.dumps(buckets)}
