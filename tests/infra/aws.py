"""What the tests of the AWS components share: an account, a network by id, a cluster's identity, and a captured run."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pulumi

from infra.account import Account
from infra.identity.cluster import ClusterIdentity
from infra.network.outputs import ExistingNetwork
from stacks.capture.fakes_aws import ACCOUNT_ID, FAKES, REGION
from stacks.capture.monitor import Fake, FakeRequest
from stacks.capture.resource import Resource
from stacks.capture.run import Capture, capture
from stacks.capture.values import Value, reveal

ACCOUNT = Account(account_id=ACCOUNT_ID, region=REGION)
ZONES = ("us-west-2a", "us-west-2b", "us-west-2c")
NETWORK = ExistingNetwork(
    vpc_id="vpc-0123456789abcdef0",
    private_subnet_ids=("subnet-0123456789abcdef0", "subnet-0123456789abcdef1"),
)
ISSUER = "oidc.eks.us-west-2.amazonaws.com/id/0123456789ABCDEF"
IDENTITY = ClusterIdentity(
    cluster_name="stillhouse-test",
    oidc_provider_arn=f"arn:aws:iam::{ACCOUNT_ID}:oidc-provider/{ISSUER}",
    oidc_issuer=ISSUER,
)


def _object(request: FakeRequest) -> Mapping[str, Value]:
    return {"id": request.name}


OBJECTS: Mapping[str, Fake] = {
    "pulumi:providers:kubernetes": _object,
    "kubernetes:helm.sh/v3:Release": _object,
    "kubernetes:storage.k8s.io/v1:StorageClass": _object,
    "kubernetes:karpenter.sh/v1:NodePool": _object,
    "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass": _object,
}
"""Objects of the cluster that the AWS components bring; tests need no more of them than that they exist."""


def run(program: Callable[[], object], *, preview: bool = False) -> Capture:
    """Every resource of the program, with AWS's fakes."""
    return capture(lambda: _drop(program()), preview=preview, fakes={**FAKES, **OBJECTS})


def _drop(_: object) -> None:
    """A captured program gives nothing back; components may be the last expression of a lambda."""


def document(resource: Resource, key: str = "policy") -> dict[str, Any]:
    """An input that holds a policy, parsed."""
    text = reveal(resource.inputs[key])
    assert isinstance(text, str), text
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def statements(resource: Resource, key: str = "policy") -> dict[str, dict[str, Any]]:
    """The statements of a policy by their ids."""
    return {statement["Sid"]: statement for statement in document(resource, key)["Statement"]}


def is_component_tree(captured: Capture, root: str) -> None:
    """Asserts that the component of that type is the only root, has registered outputs, and all else hangs below it."""
    by_urn = {resource.urn: resource for resource in captured.resources}
    roots = [resource for resource in captured.resources if resource.parent not in by_urn]
    assert [resource.type for resource in roots] == [root]
    components = [resource for resource in captured.resources if not resource.custom and not resource.remote]
    assert all(component.registered_outputs is not None for component in components)
    assert all(resource.name.startswith(roots[0].name) for resource in captured.resources)


def existing_provider() -> pulumi.ProviderResource:
    """A Kubernetes provider for components that put objects into a cluster."""
    from pulumi_kubernetes import Provider

    return Provider("cluster", kubeconfig="{}")
