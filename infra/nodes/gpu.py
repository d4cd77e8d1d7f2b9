"""What GPU nodes need: NVIDIA's device plugin, which offers `nvidia.com/gpu`, and DCGM's exporter of GPU metrics."""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuSupportArgs:
    """Versions of the two charts."""

    device_plugin_version: str
    """E.g. `0.20.0`."""
    dcgm_exporter_version: str
    """E.g. `4.8.2`."""
    namespace: str = "kube-system"
    service_monitor: bool = True
    """Whether Prometheus's operator is told to scrape; its CRDs must be there."""


class GpuSupport(pulumi.ComponentResource):
    """Both DaemonSets, only on nodes of the `gpu` pool."""
