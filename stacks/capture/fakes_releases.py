"""What a cluster answers for the objects of a releases stack."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from stacks.capture.fakes_stack_reference import FAKES as REFERENCES
from stacks.capture.monitor import Fake, FakeRequest
from stacks.capture.values import Value

KINDS = (
    "serving.kserve.io/v1beta1:InferenceService",
    "networking.istio.io/v1:VirtualService",
    "networking.istio.io/v1:DestinationRule",
    "security.istio.io/v1:AuthorizationPolicy",
    "keda.sh/v1alpha1:ScaledObject",
    "monitoring.coreos.com/v1:PodMonitor",
    "policy/v1:PodDisruptionBudget",
    "autoscaling/v2:HorizontalPodAutoscaler",
)


def made(request: FakeRequest) -> Mapping[str, Value]:
    """The object with the server's part of its metadata; its id is `namespace/name`."""
    metadata = request.inputs["metadata"]
    assert isinstance(metadata, Mapping)
    address = f"{metadata['namespace']}/{metadata['name']}"
    server: dict[str, Value] = {
        "uid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{request.type}/{address}")),
        "generation": 1,
    }
    return {"id": address, "metadata": {**metadata, **server}}


def provider(request: FakeRequest) -> Mapping[str, Value]:
    """A provider has an id and no outputs of its own."""
    return {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, request.name))}


FAKES: Mapping[str, Fake] = {
    **REFERENCES,
    "pulumi:providers:kubernetes": provider,
    **{f"kubernetes:{kind}": made for kind in KINDS},
}
