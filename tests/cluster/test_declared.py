"""What is read out of a captured program, and in which order it goes again."""

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.helm import v3 as helm
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from stacks.capture.run import capture
from tests.cluster.declared import DeclaredObject, Release, declared


class Part(pulumi.ComponentResource):
    """A component between two objects."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("test:declared:Part", name, None, opts)
        core.ConfigMap(
            f"{name}-settings",
            metadata=ObjectMetaArgs(namespace="a"),
            data={"key": pulumi.Output.secret("opened")},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def program() -> None:
    namespace = core.Namespace("namespace", metadata=ObjectMetaArgs(name="a"))
    part = Part("part", pulumi.ResourceOptions(depends_on=[namespace]))
    helm.Release(
        "release",
        helm.ReleaseArgs(
            chart="oci://registry.invalid/charts/thing", version="1.0.0", name="thing", namespace="a", values={"b": 1}
        ),
        opts=pulumi.ResourceOptions(depends_on=[part]),
    )


def test_objects_and_charts_come_in_order_with_all_that_is_before_them() -> None:
    namespace, settings, release = declared(capture(program))
    assert isinstance(namespace, DeclaredObject)
    assert isinstance(settings, DeclaredObject)
    assert isinstance(release, Release)
    assert not namespace.after
    assert settings.after == {"namespace"}
    assert release.after == {"namespace", "part-settings"}
    assert namespace.content["metadata"] == {"name": "a"}
    assert settings.content["metadata"] == {"namespace": "a", "name": "part-settings-0a1b2c3d"}
    assert settings.content["data"] == {"key": "opened"}
    assert (release.chart, release.version, release.namespace) == ("thing", "1.0.0", "a")
    assert release.values == {"b": 1}
