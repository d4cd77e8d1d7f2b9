"""`ModelVersion`: one immutable version of a model that runs, with what scales, protects and limits it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.autoscaling.v2 import HorizontalPodAutoscaler
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs
from pulumi_kubernetes.policy import v1 as policy

from infra.manifest import custom
from infra.release.callers import Callers, authorization_policy_spec
from infra.release.inference_service import API_VERSION, KIND, Predictor, annotations, inference_service_spec
from infra.release.names import DIGEST_ANNOTATION, ISVC_LABEL, labels, predictor, version_name
from infra.release.pod_shape import PodShape
from infra.release.scaling import (
    ByCpu,
    ByRequests,
    Fixed,
    Replicas,
    Scaling,
    autoscaler_spec,
    check_scaling,
    scaled_object_spec,
)
from infra.release.traffic_policy import TrafficPolicy, destination_rule_spec
from infra.text import joined

WAIT_FOR = "pulumi.com/waitFor"
HEALTHY = "condition=DisruptionAllowed"
"""Of the budget: true once all replicas but none too few are ready, false while there are none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelVersionArgs:
    """A version and where it runs."""

    endpoint: str
    """Also the model's name in the repository."""
    version: str
    digest: str
    """`sha256:...` of the Triton repository."""
    namespace: pulumi.Input[str]
    runtime: pulumi.Input[str]
    """ServingRuntime for the shape's kind of compute."""
    storage_uri: pulumi.Input[str]
    """Root of the Triton repository, with a slash at its end."""
    service_account: pulumi.Input[str]
    shape: PodShape
    replicas: Replicas
    scaling: Scaling
    callers: Callers
    wait_until_ready: bool
    """Whether whatever depends on this component waits for the pods; a version that may sleep is never waited for."""
    ready_within_s: int
    """How long it may take, a new node included, before the update fails."""
    traffic: TrafficPolicy = field(default_factory=TrafficPolicy)

    def __post_init__(self) -> None:
        check_scaling(self.replicas, self.scaling)
        if self.ready_within_s < 1:
            raise ValueError(f"ready_within_s: (got {self.ready_within_s}); allowed are 1 and more")
        if isinstance(self.storage_uri, str) and not self.storage_uri.endswith("/"):
            raise ValueError(f"storage_uri: (got {self.storage_uri}); allowed are addresses with a slash at the end")

    @property
    def name(self) -> str:
        """The InferenceService's name."""
        return version_name(endpoint=self.endpoint, version=self.version, digest=self.digest, shape=str(self.shape))


class ModelVersion(pulumi.ComponentResource):
    """An InferenceService with its scaler, disruption budget, permissions and connection limits.

    The budget is also the gate: its status counts ready pods, so a route that depends on this component changes only
    after they are. (An InferenceService's own condition can stay out of date for ever.)
    """

    name: str
    """The InferenceService's name."""
    host: pulumi.Output[str]
    """The Service's name in the cluster, as routes name it."""
    service: CustomResource
    """The InferenceService."""

    def __init__(self, name: str, args: ModelVersionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:release:ModelVersion", name, None, opts)
        self._args = args
        self._resource = name
        self.name = args.name
        host = joined(predictor(self.name), ".", args.namespace, ".svc.cluster.local")
        self.host = pulumi.Output.from_input(host)
        self._policies(host)
        self.service = self._inference_service()
        self._scaler()
        self._budget()
        self.register_outputs({"name": self.name, "host": self.host})

    def _policies(self, host: pulumi.Input[str]) -> None:
        """Before the pods, so that there is no moment without them."""
        args = self._args
        callers = authorization_policy_spec(self.name, args.endpoint, args.callers)
        self._custom("callers", "security.istio.io/v1", "AuthorizationPolicy", callers)
        rule = destination_rule_spec(host, args.traffic)
        self._custom("traffic", "networking.istio.io/v1", "DestinationRule", rule)

    def _inference_service(self) -> CustomResource:
        args = self._args
        running = Predictor(
            name=self.name,
            runtime=args.runtime,
            storage_uri=args.storage_uri,
            service_account=args.service_account,
            shape=args.shape,
            replicas=args.replicas,
            scaling=args.scaling,
        )
        kserve = {**annotations(running), DIGEST_ANNOTATION: args.digest}
        return self._custom("service", API_VERSION, KIND, inference_service_spec(running), kserve)

    def _scaler(self) -> None:
        match self._args.scaling:
            case ByRequests() as scaling:
                body = scaled_object_spec(self.name, self._args.replicas, scaling)
                self._custom("scaler", "keda.sh/v1alpha1", "ScaledObject", body, after=[self.service])
            case ByCpu() as scaling:
                HorizontalPodAutoscaler(
                    f"{self._resource}-scaler",
                    metadata=self._metadata(),
                    spec=autoscaler_spec(self.name, self._args.replicas, scaling),
                    opts=self._options([self.service]),
                )
            case Fixed():
                pass

    def _budget(self) -> None:
        waits = self._args.wait_until_ready and self._args.replicas.min > 0
        within = f"{self._args.ready_within_s}s"
        patience = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create=within, update=within))
        policy.PodDisruptionBudget(
            f"{self._resource}-budget",
            metadata=self._metadata({WAIT_FOR: HEALTHY} if waits else {}),
            spec=policy.PodDisruptionBudgetSpecArgs(
                max_unavailable=1,
                selector=LabelSelectorArgs(match_labels={ISVC_LABEL: self.name}),
                unhealthy_pod_eviction_policy="AlwaysAllow",
            ),
            opts=pulumi.ResourceOptions.merge(self._options([self.service]), patience),
        )

    def _custom(
        self,
        part: str,
        api_version: str,
        kind: str,
        spec: Mapping[str, object],
        annotations: Mapping[str, str] | None = None,
        after: list[pulumi.Resource] | None = None,
    ) -> CustomResource:
        return custom(
            f"{self._resource}-{part}",
            api_version=api_version,
            kind=kind,
            name=self.name,
            namespace=self._args.namespace,
            spec=spec,
            labels=labels(endpoint=self._args.endpoint, version=self._args.version),
            annotations=annotations,
            opts=self._options(after or []),
        )

    def _metadata(self, annotations: Mapping[str, str] | None = None) -> ObjectMetaArgs:
        return ObjectMetaArgs(
            name=self.name,
            namespace=self._args.namespace,
            labels=dict(labels(endpoint=self._args.endpoint, version=self._args.version)),
            annotations=dict(annotations) if annotations else None,
        )

    def _options(self, after: list[pulumi.Resource]) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=after)
