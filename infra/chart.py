"""A pinned chart -> a Helm release that waits until it works, and is rolled back if it does not."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes.helm import v3 as helm

from infra.namespaces import Namespace, NamespaceArgs
from infra.versions import Chart


def release(
    name: str,
    chart: Chart,
    *,
    namespace: pulumi.Input[str],
    values: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
    release_name: str | None = None,
    timeout_s: int = 600,
    skip_await: bool = False,
) -> helm.Release:
    """One release of the chart in an existing namespace.

    Args:
        name: the Pulumi resource.
        chart: from `infra/versions.py`.
        namespace: where it goes; a namespace of ours, so that its labels and policies are there first.
        values: the chart's values; may hold outputs.
        opts: parent and dependencies.
        release_name: Helm's name, which many charts build object names from; None: the chart's name.
        timeout_s: until everything must be ready.
        skip_await: for charts that become ready only after what comes later.
    """
    return helm.Release(
        name,
        helm.ReleaseArgs(
            chart=chart.reference,
            version=chart.version,
            repository_opts=None if chart.is_oci else helm.RepositoryOptsArgs(repo=chart.repository),
            name=release_name or chart.name,
            namespace=namespace,
            create_namespace=False,
            values=dict(values),
            atomic=not skip_await,
            cleanup_on_fail=True,
            skip_await=skip_await,
            timeout=timeout_s,
            max_history=5,
        ),
        opts=opts,
    )


def release_in_namespace(
    parent: pulumi.Resource, name: str, chart: Chart, *, namespace: NamespaceArgs, values: Mapping[str, Any]
) -> tuple[pulumi.Output[str], helm.Release]:
    """A namespace of the chart's own and its release, after its network rules: (the name, the release).

    Args:
        parent: the component that both belong to.
        name: of the component.
        chart: from `infra/versions.py`.
        namespace: with what its pods may reach.
        values: the chart's values; may hold outputs.
    """
    place = Namespace(f"{name}-namespace", namespace, pulumi.ResourceOptions(parent=parent))
    options = pulumi.ResourceOptions(parent=parent, depends_on=[place])
    return place.name, release(f"{name}-release", chart, namespace=place.name, values=values, opts=options)
