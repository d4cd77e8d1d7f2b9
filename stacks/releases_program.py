"""The stack `<env>-releases`: every release file of the environment -> its versions and its route on the cluster.

No AWS resource and no chart: it needs the rights of one namespace, and an update without a new version takes seconds.
"""

import os
from pathlib import Path

import pulumi
from pulumi_kubernetes import Provider

from infra.conductor.conductor import Conductor, ConductorArgs
from infra.release import scaling
from infra.release.callers import Callers
from infra.release.endpoint_route import SCRAPE_S, EndpointRoute, EndpointRouteArgs
from infra.release.model_version import ModelVersion, ModelVersionArgs
from infra.release.names import version_name
from infra.release.pod_shape import PodShape
from infra.release.virtual_service import Arm, HeaderRule, Mirror, Patience
from infra.text import joined
from model.errors import UserError
from serving.resources import FixedReplicas, Resources, ScaleByCpu, ScaleByRequests
from stacks.live_versions import S3, LiveEndpoint, LiveVersion, read_endpoints
from stacks.platform_outputs import CONDUCTOR_NAMESPACE, PlatformOutputs, read_platform
from stacks.releases_settings import (
    ConductorSettings,
    ReleasesSettings,
    current_settings,
    environment_of,
    is_in_cluster,
    platform_stack,
)

RELEASES = Path(__file__).parent / "releases"


def releases_program(folder: Path = RELEASES) -> None:
    """Declare everything; exports each endpoint's URL and weights."""
    settings = current_settings()
    endpoints = read_endpoints(folder / environment_of(pulumi.get_stack()))
    for endpoint in endpoints:
        _refuse_clash(endpoint)
    reference = pulumi.StackReference("platform", stack_name=platform_stack(settings))
    platform = read_platform(reference)
    provider = _provider(settings, platform)
    told = {endpoint.name: _declare(endpoint, platform, provider, settings) for endpoint in endpoints}
    if settings.conductor is not None:
        namespace = reference.require_output(CONDUCTOR_NAMESPACE)
        for endpoint in endpoints:
            if endpoint.planned:
                _conduct(endpoint, settings.conductor, namespace, platform, provider)
    pulumi.export("endpoints", told)


def _provider(settings: ReleasesSettings, platform: PlatformOutputs) -> Provider:
    """Without a kubeconfig the provider finds the service account of its own pod.

    CI and operator may take turns on one stack: both name the same cluster, or the engine would make everything anew.
    """
    kubeconfig = None if is_in_cluster(settings, environment=os.environ) else platform.kubeconfig
    return Provider(
        "cluster", kubeconfig=kubeconfig, cluster_identifier=platform_stack(settings), enable_server_side_apply=True
    )


def _declare(
    endpoint: LiveEndpoint, platform: PlatformOutputs, provider: Provider, settings: ReleasesSettings
) -> dict[str, object]:
    here = pulumi.ResourceOptions(provider=provider)
    wanted = [_version(endpoint, one, platform, settings) for one in endpoint.versions]
    versions = [ModelVersion(args.name, args, opts=here) for args in wanted]
    arms = [
        Arm(version=one.version, host=version.host, weight=one.weight)
        for one, version in zip(endpoint.versions, versions, strict=True)
    ]
    hosts = {one.version: version.host for one, version in zip(endpoint.versions, versions, strict=True)}
    route = EndpointRoute(
        endpoint.name,
        EndpointRouteArgs(
            endpoint=endpoint.name,
            namespace=platform.serving_namespace,
            hostname=platform.hostname,
            gateway=platform.gateway,
            arms=arms,
            versions=versions,
            patience=Patience(timeout_ms=settings.request_timeout_ms),
            rules=[
                HeaderRule(header=rule.header, value=rule.value, version=endpoint.candidate)
                for rule in endpoint.rules
                if endpoint.candidate
            ],
            mirror=Mirror(host=hosts[endpoint.shadow.version], percent=endpoint.shadow.percent)
            if endpoint.shadow
            else None,
        ),
        opts=here,
    )
    return {"url": route.url, "weights": {arm.version: arm.weight for arm in arms}}


def _conduct(
    endpoint: LiveEndpoint,
    settings: ConductorSettings,
    namespace: pulumi.Input[str],
    platform: PlatformOutputs,
    provider: Provider,
) -> None:
    args = ConductorArgs(
        endpoint=endpoint.name,
        environment=environment_of(pulumi.get_stack()),
        namespace=namespace,
        image=settings.image,
        repository=settings.repository,
        branch=settings.branch,
        prometheus_url=platform.prometheus_url,
        serving_namespace=platform.serving_namespace,
        gateway_namespace=platform.gateway_namespace,
        scrape_s=SCRAPE_S,
    )
    Conductor(f"{endpoint.name}-conductor", args, pulumi.ResourceOptions(provider=provider))


def _version(
    endpoint: LiveEndpoint, one: LiveVersion, platform: PlatformOutputs, settings: ReleasesSettings
) -> ModelVersionArgs:
    resources = endpoint.resources
    return ModelVersionArgs(
        endpoint=endpoint.name,
        version=one.version,
        digest=one.digest,
        namespace=platform.serving_namespace,
        runtime=platform.gpu_runtime if resources.compute == "gpu" else platform.cpu_runtime,
        storage_uri=one.uri if one.uri.startswith(S3) else joined(platform.artifact_root, one.uri),
        service_account=platform.serving_service_account,
        shape=_shape(resources),
        replicas=scaling.Replicas(min=one.replicas.min, max=one.replicas.max),
        scaling=_scaling(resources, platform),
        callers=Callers(gateway=platform.gateway_principal, prometheus=platform.prometheus_principal),
        # What takes no traffic holds up nothing; it is waited for when it gets some.
        wait_until_ready=one.weight > 0,
        ready_within_s=settings.ready_within_s,
    )


def _scaling(resources: Resources, platform: PlatformOutputs) -> scaling.Scaling:
    match resources.scaling:
        case FixedReplicas():
            return scaling.Fixed()
        case ScaleByCpu(percent=percent):
            return scaling.ByCpu(percent=percent)
        case ScaleByRequests(per_replica_per_second=rate):
            return scaling.ByRequests(
                per_replica_per_second=rate,
                prometheus_url=platform.prometheus_url,
                gateway_namespace=platform.gateway_namespace,
            )


def _shape(resources: Resources) -> PodShape:
    return PodShape(compute=resources.compute, cpu=resources.cpu, memory_gib=resources.memory_gib)


def _refuse_clash(endpoint: LiveEndpoint) -> None:
    """Two names of one digest can become one when they are cut off."""
    shape = str(_shape(endpoint.resources))
    by_name: dict[str, str] = {}
    for one in endpoint.versions:
        name = version_name(endpoint=endpoint.name, version=one.version, digest=one.digest, shape=shape)
        if name in by_name:
            raise UserError(
                f"{endpoint.name}: {by_name[name]} and {one.version} are the same on a cluster (got {name})",
                hint="run one of them: they have the same digest",
            )
        by_name[name] = one.version
