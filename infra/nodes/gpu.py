"""What GPU nodes need: NVIDIA's device plugin, which offers `nvidia.com/gpu`, and DCGM's exporter of GPU metrics."""

from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_kubernetes.helm.v3 import Release

from infra import versions
from infra.chart import release
from infra.nodes.placement import GPU, GPU_PRESENT_LABEL
from infra.pods import Resources
from infra.versions import Chart

NAMESPACE = "kube-system"


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuSupportArgs:
    """The two charts and what their pods ask of a GPU node."""

    service_monitor: bool = True
    """Whether Prometheus's operator is told to scrape; its CRDs must be there."""
    device_plugin_resources: Resources = field(default_factory=lambda: Resources(cpu_millicores=10, memory_mib=64))
    dcgm_resources: Resources = field(
        default_factory=lambda: Resources(cpu_millicores=50, memory_mib=256, memory_limit_mib=1024)
    )
    device_plugin_chart: Chart = versions.NVIDIA_DEVICE_PLUGIN
    dcgm_chart: Chart = versions.DCGM_EXPORTER


def device_plugin_values(args: GpuSupportArgs) -> dict[str, Any]:
    """The chart finds its nodes by the label that the pool sets, so no discovery of features is installed."""
    return {
        "nodeSelector": {GPU_PRESENT_LABEL: "true"},
        "tolerations": GPU.tolerations,
        "resources": args.device_plugin_resources.values(),
        "gfd": {"enabled": False},
    }


def dcgm_values(args: GpuSupportArgs) -> dict[str, Any]:
    """Without the right to profile: utilisation, memory, power and errors need none."""
    return {
        "nodeSelector": {GPU_PRESENT_LABEL: "true"},
        "tolerations": GPU.tolerations,
        "resources": args.dcgm_resources.values(),
        "securityContext": {"capabilities": {"add": [], "drop": ["ALL"]}, "allowPrivilegeEscalation": False},
        "serviceMonitor": {"enabled": args.service_monitor, "interval": "15s", "honorLabels": True},
    }


class GpuSupport(pulumi.ComponentResource):
    """Both DaemonSets, only on nodes of the `gpu` pool."""

    device_plugin: Release
    """Until it runs, a GPU node offers no GPU."""

    def __init__(self, name: str, args: GpuSupportArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:nodes:GpuSupport", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.device_plugin = release(
            f"{name}-device-plugin",
            args.device_plugin_chart,
            namespace=NAMESPACE,
            values=device_plugin_values(args),
            opts=child,
        )
        release(f"{name}-dcgm", args.dcgm_chart, namespace=NAMESPACE, values=dcgm_values(args), opts=child)
        self.register_outputs({})
