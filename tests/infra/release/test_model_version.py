"""`ModelVersion` and `EndpointRoute` as an engine receives them, with known and with unknown inputs."""

from dataclasses import replace
from typing import Any

import pulumi
import pytest

from infra.manifest import custom
from infra.policies.judged import UNKNOWN
from infra.release.callers import Callers
from infra.release.endpoint_route import EndpointRoute, EndpointRouteArgs
from infra.release.model_version import ModelVersion, ModelVersionArgs
from infra.release.pod_shape import PodShape
from infra.release.scaling import ByCpu, ByRequests, Fixed, Replicas, Scaling
from infra.release.virtual_service import Arm
from stacks.capture.fakes_kubernetes import FAKES
from stacks.capture.monitor import Fake
from stacks.capture.resource import creation_order
from stacks.capture.run import Capture, capture

ISVC = "kubernetes:serving.kserve.io/v1beta1:InferenceService"
BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
ROUTE = "kubernetes:networking.istio.io/v1:VirtualService"
SCALED_OBJECT = "kubernetes:keda.sh/v1alpha1:ScaledObject"
AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
BY_REQUESTS = ByRequests(per_replica_per_second=9, prometheus_url="http://prometheus", gateway_namespace="edge")
ARGS = ModelVersionArgs(
    endpoint="churn",
    version="v1",
    digest=f"sha256:{'a' * 64}",
    namespace="models",
    runtime="triton-gpu",
    storage_uri="s3://bucket/churn/",
    service_account="predictor",
    shape=PodShape(compute="gpu", cpu=8, memory_gib=32),
    replicas=Replicas(min=2, max=4),
    scaling=BY_REQUESTS,
    callers=Callers(gateway="gateway-id", prometheus="prometheus-id"),
    wait_until_ready=True,
    ready_within_s=900,
)


def declare(args: ModelVersionArgs = ARGS) -> Capture:
    def program() -> None:
        version = ModelVersion("one", args)
        arms = [Arm(version="v1", host=version.host, weight=100)]
        route = EndpointRoute(
            "churn",
            EndpointRouteArgs(
                endpoint="churn",
                namespace=args.namespace,
                hostname="predict.example.com",
                gateway="edge/endpoints",
                arms=arms,
                versions=[version],
            ),
        )
        pulumi.export("url", route.url)

    return capture(program, fakes=FAKES)


def spec(resources: Capture, kind: str) -> Any:
    return resources.one(kind).inputs["spec"]


def test_an_inference_service_is_standard_restricted_and_reads_one_folder() -> None:
    service = declare().one(ISVC)
    predictor = spec(declare(), ISVC)["predictor"]
    metadata: Any = service.inputs["metadata"]
    assert metadata["annotations"]["serving.kserve.io/deploymentMode"] == "Standard"
    assert metadata["annotations"]["serving.kserve.io/autoscalerClass"] == "external"
    assert "pulumi.com/waitFor" not in metadata["annotations"]
    assert metadata["labels"] == {"stillhouse.dev/endpoint": "churn", "stillhouse.dev/version": "v1"}
    assert predictor["model"]["runtime"] == "triton-gpu"
    assert predictor["model"]["storageUri"] == "s3://bucket/churn/"
    assert predictor["model"]["resources"] == {
        "requests": {"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "1"},
        "limits": {"memory": "32Gi", "nvidia.com/gpu": "1"},
    }
    assert predictor["securityContext"]["runAsNonRoot"] is True
    assert predictor["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert predictor["automountServiceAccountToken"] is False
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == (2, 4)


def test_a_version_without_an_accelerator_asks_for_none() -> None:
    small = declare(replace(ARGS, shape=PodShape(compute="cpu", cpu=1, memory_gib=2)))
    assert spec(small, ISVC)["predictor"]["model"]["resources"]["limits"] == {"memory": "2Gi"}


@pytest.mark.parametrize(
    ("scaling", "kinds"),
    [(BY_REQUESTS, {SCALED_OBJECT}), (ByCpu(percent=60), {AUTOSCALER}), (Fixed(), set())],
)
def test_each_kind_of_scaling_has_its_one_object(scaling: Scaling, kinds: set[str]) -> None:
    replicas = Replicas(min=2, max=2)
    declared = declare(replace(ARGS, scaling=scaling, replicas=replicas))
    assert {resource.type for resource in declared.resources} & {SCALED_OBJECT, AUTOSCALER} == kinds


def test_the_processor_that_counts_is_the_models() -> None:
    body = spec(declare(replace(ARGS, scaling=ByCpu(percent=60))), AUTOSCALER)
    assert body["metrics"][0]["containerResource"] == {
        "name": "cpu",
        "container": "kserve-container",
        "target": {"type": "Utilization", "averageUtilization": 60},
    }
    assert (body["minReplicas"], body["maxReplicas"]) == (2, 4)


def test_the_route_waits_for_ready_pods_through_the_budget() -> None:
    declared = declare()
    budget = declared.one(BUDGET)
    metadata: Any = budget.inputs["metadata"]
    assert metadata["annotations"] == {"pulumi.com/waitFor": "condition=DisruptionAllowed"}
    assert budget.options.timeouts == {"create": "900s", "update": "900s"}
    assert budget.urn in declared.one(ROUTE).depends_on
    assert spec(declared, BUDGET)["maxUnavailable"] == 1


@pytest.mark.parametrize(
    "args", [replace(ARGS, wait_until_ready=False), replace(ARGS, replicas=Replicas(min=0, max=4))]
)
def test_nothing_waits_for_a_version_without_traffic_or_one_that_may_sleep(args: ModelVersionArgs) -> None:
    metadata: Any = declare(args).one(BUDGET).inputs["metadata"]
    assert "annotations" not in metadata


def test_the_route_is_made_last_and_so_deleted_first() -> None:
    order = [resource.type for resource in creation_order(declare().resources) if resource.custom]
    assert order.index(ROUTE) > max(order.index(kind) for kind in (ISVC, BUDGET, SCALED_OBJECT))
    assert order.index(ISVC) < min(order.index(kind) for kind in (BUDGET, SCALED_OBJECT))


def test_everything_belongs_to_its_component_and_is_told() -> None:
    declared = declare()
    components = {resource.name: resource for resource in declared.resources if not resource.custom}
    assert {resource.parent for resource in declared.resources if resource.custom} == {
        component.urn for component in components.values()
    }
    name = ARGS.name
    assert components["one"].registered_outputs == {
        "name": name,
        "host": f"{name}-predictor.models.svc.cluster.local",
    }
    assert declared.outputs == {"url": "https://predict.example.com/v2/models/churn/infer"}


def test_unknown_inputs_stay_unknown_and_the_rest_is_shown() -> None:
    def program() -> None:
        here = pulumi.ResourceOptions()
        other = custom(
            "other", api_version="keda.sh/v1alpha1", kind="ScaledObject", name="o", namespace="n", spec={}, opts=here
        )
        ModelVersion("one", replace(ARGS, namespace=other.id, runtime=other.id, storage_uri=other.id))

    blind: dict[str, Fake] = dict.fromkeys(FAKES, lambda _: {})  # even the namespace is unknown
    declared = capture(program, preview=True, fakes=blind)
    service = declared.one(ISVC)
    body: Any = service.inputs["spec"]
    metadata: Any = service.inputs["metadata"]
    model = body["predictor"]["model"]
    assert (model["runtime"], model["storageUri"], metadata["namespace"]) == (UNKNOWN, UNKNOWN, UNKNOWN)
    assert (model["modelFormat"], metadata["name"]) == ({"name": "triton"}, ARGS.name)
    assert spec(declared, "kubernetes:networking.istio.io/v1:DestinationRule")["host"] is UNKNOWN


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"storage_uri: \(got s3://b/v1\); allowed are addresses with a slash"):
        replace(ARGS, storage_uri="s3://b/v1")
    with pytest.raises(ValueError, match=r"ready_within_s: \(got 0\)"):
        replace(ARGS, ready_within_s=0)
    with pytest.raises(ValueError, match="allowed is 0 only with ByRequests"):
        replace(ARGS, replicas=Replicas(min=0, max=1), scaling=Fixed())
