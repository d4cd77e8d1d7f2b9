import pulumi

from infra import versions
from infra.nodes.gpu import GpuSupport, GpuSupportArgs, dcgm_values, device_plugin_values
from infra.nodes.instance_types import instance_type
from infra.nodes.placement import CPU, GPU, node_labels
from tests.infra.aws import existing_provider, run

ARGS = GpuSupportArgs()


def test_both_charts_are_installed_at_their_versions() -> None:
    captured = run(lambda: GpuSupport("gpu", ARGS, pulumi.ResourceOptions(providers=[existing_provider()])))
    releases = captured.of_type("kubernetes:helm.sh/v3:Release")
    assert {(release.inputs["chart"], release.inputs["version"]) for release in releases} == {
        ("nvidia-device-plugin", versions.NVIDIA_DEVICE_PLUGIN.version),
        ("dcgm-exporter", versions.DCGM_EXPORTER.version),
    }


def test_both_run_on_gpu_nodes_only() -> None:
    gpu_labels = node_labels(GPU, instance_type("g6.4xlarge"))
    cpu_labels = node_labels(CPU, instance_type("m5.2xlarge"))
    for values in (device_plugin_values(ARGS), dcgm_values(ARGS)):
        assert values["nodeSelector"].items() <= gpu_labels.items()
        assert not values["nodeSelector"].items() <= cpu_labels.items()
        assert values["tolerations"] == GPU.tolerations


def test_the_exporter_has_no_rights_over_the_node_and_is_scraped_where_it_can_be() -> None:
    assert dcgm_values(ARGS)["securityContext"]["capabilities"] == {"add": [], "drop": ["ALL"]}
    assert dcgm_values(ARGS)["serviceMonitor"]["enabled"] is True
    assert dcgm_values(GpuSupportArgs(service_monitor=False))["serviceMonitor"]["enabled"] is False
