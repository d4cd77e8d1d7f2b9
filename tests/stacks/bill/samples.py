"""Captured programs of one or two resources."""

from collections.abc import Mapping
from typing import Any

from stacks.bill.context import Context
from stacks.capture.resource import Options, Resource
from stacks.capture.run import Capture
from stacks.capture.values import Value
from stacks.settings.read import read_settings
from stacks.settings.settings import Settings, Tier
from tests.stacks.settings.samples import with_own


def settings(tier: Tier = "high") -> Settings:
    """A tier's settings."""
    return read_settings(with_own("tier", tier))


def resource(token: str, name: str, inputs: Mapping[str, Any], *waits_for: Resource, custom: bool = True) -> Resource:
    """A resource that a program could have declared."""
    return Resource(
        urn=f"urn:pulumi:test::stillhouse::{token}::{name}",
        type=token,
        name=name,
        parent="",
        custom=custom,
        inputs=inputs,
        outputs={},
        depends_on=frozenset(other.urn for other in waits_for),
        options=Options(),
    )


def captured(*resources: Resource) -> Capture:
    """A program that declares these."""
    return Capture(resources=resources, outputs={})


def context(*resources: Resource, tier: Tier = "high") -> Context:
    """What a rule sees."""
    return Context(capture=captured(*resources), settings=settings(tier))


def node_pool(name: str = "gpu", type_name: str = "g6.4xlarge", nodes: int = 8, vcpus: int = 16) -> Resource:
    """A NodePool with a limit in cores, memory and GPUs."""
    limits: dict[str, Value] = {"cpu": str(nodes * vcpus), "memory": f"{nodes * vcpus * 4}Gi"}
    if name == "gpu":
        limits["nvidia.com/gpu"] = str(nodes)
    return resource(
        "kubernetes:karpenter.sh/v1:NodePool",
        f"{name}-pool",
        {
            "metadata": {"name": name},
            "spec": {
                "limits": limits,
                "template": {
                    "spec": {
                        "nodeClassRef": {"name": f"{name}-class"},
                        "requirements": [
                            {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": [type_name]},
                            {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
                        ],
                    }
                },
            },
        },
    )


def node_class(name: str = "gpu", gib: int = 100, throughput: int = 600) -> Resource:
    """The pool's EC2NodeClass."""
    disk: dict[str, Value] = {"volumeSize": f"{gib}Gi", "throughput": throughput, "iops": 3000}
    return resource(
        "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass",
        f"{name}-class-object",
        {"metadata": {"name": f"{name}-class"}, "spec": {"blockDeviceMappings": [{"ebs": disk}]}},
    )
