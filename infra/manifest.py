"""Objects of kinds for which the SDK has no class: one function, so that every one has metadata, parent and order."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs


def custom(
    resource: str,
    *,
    api_version: str,
    kind: str,
    name: str,
    namespace: pulumi.Input[str] | None = None,
    spec: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, pulumi.Input[str]] | None = None,
) -> CustomResource:
    """A custom resource.

    Args:
        resource: the Pulumi resource's name.
        api_version: group and version.
        kind: the kind.
        name: the object's name.
        namespace: None for cluster-scoped kinds.
        spec: its body, from a pure helper; may hold outputs.
        opts: parent and dependencies.
        labels: the object's labels.
        annotations: the object's annotations.
    """
    return CustomResource(
        resource,
        api_version=api_version,
        kind=kind,
        metadata=ObjectMetaArgs(
            name=name,
            namespace=namespace,
            labels=dict(labels) if labels else None,
            annotations=dict(annotations) if annotations else None,
        ),
        spec=dict(spec),
        opts=opts,
    )
