"""The platform stack `<env>`: settings -> AWS, cluster, and all that models need around them."""

import pulumi

from stacks.foundation import Foundation, build_foundation, place_of
from stacks.platform_outputs import CONDUCTOR_NAMESPACE, PlatformOutputs, export_platform
from stacks.settings.read import read_settings
from stacks.settings.settings import Settings
from stacks.settings.stack_config import config_of_program, refused_in
from stacks.system_pods import export_system_pods
from stacks.workloads import Workloads, WorkloadsBuilder


def platform_program() -> None:
    """Declare everything, and tell the releases stack what it needs to know."""
    config = config_of_program()
    settings = read_settings(config)
    with refused_in(config.place):
        foundation = build_foundation(settings, place_of(settings))
        workloads = WorkloadsBuilder(settings, foundation).build()
    export_platform(_told(settings, foundation, workloads))
    if workloads.conductors is not None:
        pulumi.export(CONDUCTOR_NAMESPACE, workloads.conductors.namespace)
    export_system_pods(workloads.requests)
    pulumi.export("cluster_name", foundation.cluster.cluster_name)
    pulumi.export("image_repository", foundation.registry.repository_url)
    pulumi.export("load_balancer", workloads.edge.load_balancer_hostname)


def _told(settings: Settings, foundation: Foundation, workloads: Workloads) -> PlatformOutputs:
    bucket, edge = foundation.bucket.bucket_name, workloads.edge
    return PlatformOutputs(
        kubeconfig=foundation.cluster.kubeconfig_json,
        serving_namespace=workloads.serving.namespace,
        serving_service_account=workloads.serving.service_account,
        artifact_root=pulumi.Output.concat("s3://", bucket, "/", settings.serving.artifact_prefix, "/"),
        cpu_runtime=workloads.cpu_runtime.runtime,
        gpu_runtime=workloads.gpu_runtime.runtime,
        gateway=edge.gateway,
        gateway_principal=edge.principal,
        gateway_namespace=edge.namespace,
        hostname=pulumi.Output.from_input(settings.edge.hostname),
        prometheus_url=workloads.observability.prometheus_address,
        prometheus_principal=workloads.observability.prometheus_principal,
    )
