"""Our own ServingRuntimes for Triton: the image by digest, probes that ask the model, no right that it does not need.

The image must hold Triton's Python backend, Python and numpy, as NVIDIA's `-py3` images do: an exported repository
brings its own code, which imports numpy and nothing else.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.kserve.triton_pod import TritonPod, runtime_spec
from infra.manifest import custom
from infra.versions import image_problem

_PROBE = Path(__file__).with_name("probe.py")
_POD = TritonPod()


class Accelerator(StrEnum):
    """What a runtime's pods compute on."""

    CPU = "cpu"
    GPU = "gpu"


@dataclass(frozen=True, kw_only=True, slots=True)
class TritonRuntimeArgs:
    """One runtime: a kind of pod."""

    namespace: pulumi.Input[str]
    accelerator: Accelerator
    image: str
    """`<repository>[:tag]@sha256:<digest>`."""
    node_selector: Mapping[str, str]
    """Labels of the nodes that its pods belong on."""
    tolerations: Sequence[Mapping[str, str]]
    """Taints of those nodes."""
    latency_goal_ms: int
    """The sidecar's histograms have their buckets around it."""
    max_body_bytes: int
    """Largest request; at least what the gateway lets through."""
    pod: TritonPod = _POD

    def __post_init__(self) -> None:
        if problem := image_problem(self.image):
            raise ValueError(f"image: (got {self.image}); {problem}")


class TritonRuntime(pulumi.ComponentResource):
    """A ServingRuntime and the probe that its pods mount. Depend it on KServe, whose webhook judges it."""

    runtime: pulumi.Output[str]
    """Name for `predictor.model.runtime`."""

    def __init__(self, name: str, args: TritonRuntimeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:kserve:TritonRuntime", name, None, opts)
        source = probe_source()
        runtime = f"triton-{args.accelerator}"
        config_map = core.ConfigMap(
            f"{name}-probe",
            metadata=ObjectMetaArgs(name=probe_name(runtime, source), namespace=args.namespace),
            data={_PROBE.name: source},
            immutable=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        made = custom(
            f"{name}-runtime",
            api_version="serving.kserve.io/v1alpha1",
            kind="ServingRuntime",
            name=runtime,
            namespace=args.namespace,
            spec=runtime_spec(
                args.pod,
                image=args.image,
                probe_config_map=probe_name(runtime, source),
                gpus=1 if args.accelerator is Accelerator.GPU else 0,
                node_selector=args.node_selector,
                tolerations=args.tolerations,
                latency_goal_ms=args.latency_goal_ms,
                max_body_bytes=args.max_body_bytes,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[config_map]),
        )
        self.runtime = pulumi.Output.all(made.urn).apply(lambda _: runtime)
        self.register_outputs({"runtime": self.runtime})


def probe_source() -> str:
    """The program that pods are asked with."""
    return _PROBE.read_text("utf-8")


def probe_name(runtime: str, source: str) -> str:
    """Of the ConfigMap: another program has another name, so that running pods keep the one they were made with."""
    return f"{runtime}-probe-{hashlib.sha256(source.encode()).hexdigest()[:8]}"
