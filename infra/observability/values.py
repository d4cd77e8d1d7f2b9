"""Values of kube-prometheus-stack: what is scraped is chosen by the objects that say so, in every namespace."""

from typing import Any

from infra.observability.alerting import SECRET, alertmanager_config
from infra.observability.args import NAMESPACE, NODE_NAMESPACE, PREFIX, ObservabilityArgs

DASHBOARD_LABEL = "grafana_dashboard"
_ALERTMANAGER_GIB = 1
_FULL_SHARE = 0.85
"""Of the volume that metrics may fill; compaction needs the rest."""


def stack_values(args: ObservabilityArgs) -> dict[str, Any]:
    """The chart's values."""
    small = args.small.values()
    return {
        "fullnameOverride": PREFIX,
        "prometheus": {
            "prometheusSpec": prometheus_spec(args),
            "podDisruptionBudget": {"enabled": args.replicas > 1, "minAvailable": 1},
        },
        "alertmanager": _alertmanager(args),
        "grafana": grafana_values(args),
        "prometheusOperator": {
            "resources": small,
            "admissionWebhooks": {"patch": {"resources": small}},
            # The reloader's resources are one setting for all of its pods.
            "prometheusConfigReloader": {"resources": small},
        },
        # Their contents are no metrics, and to list them is to read them.
        "kube-state-metrics": {"resources": small, "collectorsExclude": ["secrets", "configmaps"]},
        # It needs the node's network and processes, so it has a namespace of its own that allows them.
        "prometheus-node-exporter": {
            "namespaceOverride": NODE_NAMESPACE,
            "resources": small,
            "containerSecurityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            },
        },
        # EKS runs these where nobody can scrape them; alerts on them would always fire.
        "kubeControllerManager": {"enabled": False},
        "kubeEtcd": {"enabled": False},
        "kubeScheduler": {"enabled": False},
        "kubeProxy": {"enabled": False},
    }


def prometheus_spec(args: ObservabilityArgs) -> dict[str, Any]:
    """Prometheus itself."""
    everything = {
        f"{kind}SelectorNilUsesHelmValues": False for kind in ("rule", "serviceMonitor", "podMonitor", "probe")
    }
    return {
        **everything,
        "replicas": args.replicas,
        "retention": f"{args.retention_days}d",
        "retentionSize": f"{int(args.storage_gib * _FULL_SHARE * 1024)}MiB",
        "scrapeInterval": "15s",
        "evaluationInterval": "15s",
        "resources": args.prometheus.values(),
        "podAntiAffinity": "soft",
        "storageSpec": _volume(args.storage_class, args.storage_gib),
        "enableServiceLinks": False,
        # A target that explodes must not take the rest with it.
        "sampleLimit": 100_000,
    }


def grafana_values(args: ObservabilityArgs) -> dict[str, Any]:
    """Grafana without a volume: dashboards are code. It is reached by port-forward and shows without a login."""
    small = args.small.values()
    sidecar = {"searchNamespace": NAMESPACE, "resource": "configmap"}
    return {
        "resources": args.grafana.values(),
        "persistence": {"enabled": False},
        "initChownData": {"enabled": False},
        "testFramework": {"enabled": False},
        # Without it the sidecar could read every secret of the cluster.
        "rbac": {"namespaced": True},
        "sidecar": {
            "resources": small,
            "dashboards": {**sidecar, "label": DASHBOARD_LABEL, "labelValue": "1"},
            "datasources": {**sidecar},
        },
        "grafana.ini": {
            "auth.anonymous": {"enabled": True, "org_role": "Viewer"},
            "analytics": {"check_for_updates": False, "reporting_enabled": False},
            "users": {"allow_sign_up": False},
        },
    }


def _alertmanager(args: ObservabilityArgs) -> dict[str, Any]:
    receiver = args.receiver
    return {
        "config": alertmanager_config(receiver.kind if receiver else None),
        "podDisruptionBudget": {"enabled": args.replicas > 1, "minAvailable": 1},
        "alertmanagerSpec": {
            "replicas": args.replicas,
            "resources": args.small.values(),
            "podAntiAffinity": "soft",
            "secrets": [SECRET] if receiver else [],
            "storage": _volume(args.storage_class, _ALERTMANAGER_GIB),
            "enableServiceLinks": False,
        },
    }


def _volume(storage_class: str, gib: int) -> dict[str, Any]:
    claim = {
        "storageClassName": storage_class,
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": f"{gib}Gi"}},
    }
    return {"volumeClaimTemplate": {"spec": claim}}
