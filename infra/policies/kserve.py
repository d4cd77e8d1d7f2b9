"""Rules about InferenceServices: what KServe would otherwise do silently."""

import re
from collections.abc import Sequence
from typing import Final

from infra.policies.charts import RELEASES, is_chart, value_of
from infra.policies.judged import Judged, Maybe, Value, at, either, negate
from infra.policies.pod_views import SERVICE
from infra.policies.rule import (
    Complaints,
    StackComplaints,
    expect,
    expect_is,
    holds,
    of_kind,
    resource_rule,
    shown,
    stack_rule,
)

MODE: Final = "serving.kserve.io/deploymentMode"
DIGEST: Final = "stillhouse.dev/digest"
AUTOSCALER: Final = "serving.kserve.io/autoscalerClass"


@resource_rule(of=(SERVICE,), row=None, sources=("KServe v0.20.0 pkg/constants",))
def models_are_plain_deployments(served: Judged) -> Complaints:
    """A model says that it is a plain deployment; the chart's default is another."""
    mode = at(served.inputs, "metadata", "annotations", MODE)
    yield from expect_is(mode, "Standard", f"annotation {MODE}")


@resource_rule(of=(SERVICE,), row=None, sources=("KServe #5335", "KServe #4074", "KServe #5983"))
def weights_are_on_the_route(served: Judged) -> Complaints:
    """Weights are on the route: KServe 0.20 takes its own canary fields and sends them no traffic."""
    for path in (("canary",), ("predictor", "canaryTrafficPercent")):
        absent = holds(at(served.inputs, "spec", *path), lambda value: value is None)
        yield from expect(absent, f"spec.{'.'.join(path)} must be left out")


@resource_rule(of=(SERVICE,), row=None, sources=("KServe python/storage",))
def model_addresses_end_in_a_slash(served: Judged) -> Complaints:
    """A model's address ends in a slash, or v1 also fetches v10."""
    address = at(served.inputs, "spec", "predictor", "model", "storageUri")
    ends = holds(address, lambda value: str(value).endswith("/"))
    yield from expect(ends, f"spec.predictor.model.storageUri must end in / (got {shown(address)})")


@resource_rule(of=(SERVICE,), row=64, sources=("sigstore/model-transparency", "EKS guide: images"))
def models_are_named_by_digest(served: Judged) -> Complaints:
    """A model says the digest of what it serves, the one that was tested and promoted."""
    digest = at(served.inputs, "metadata", "annotations", DIGEST)
    named = holds(digest, lambda value: bool(re.fullmatch(r"sha256:[0-9a-f]{64}", str(value))))
    yield from expect(named, f"annotation {DIGEST} must be sha256:... (got {shown(digest)})")


@resource_rule(of=(SERVICE,), row=None, sources=("KServe #3514", "KServe hpa_reconciler.go"))
def scaling_to_zero_is_possible(served: Judged) -> Complaints:
    """A model that may have no replica has a scaler that knows how; with the default one KServe runs one silently."""
    least = at(served.inputs, "spec", "predictor", "minReplicas")
    some = holds(least, lambda value: value is None or float(value) >= 1)
    scaler = at(served.inputs, "metadata", "annotations", AUTOSCALER)
    able = holds(scaler, lambda value: value in ("keda", "external"))
    yield from expect(either((some, able)), f"minReplicas 0 needs annotation {AUTOSCALER}: keda or external")


@resource_rule(of=(SERVICE,), row=None, sources=("KServe pkg/batcher",))
def batching_is_tritons(served: Judged) -> Complaints:
    """Requests are batched by Triton; KServe's batcher speaks another protocol."""
    batcher = holds(at(served.inputs, "spec", "predictor", "batcher"), lambda value: value is None)
    yield from expect(batcher, "spec.predictor.batcher must be left out")


@resource_rule(of=(SERVICE,), row=None, sources=("KServe metrics_aggregate_injector.go",))
def metrics_are_tritons(served: Judged) -> Complaints:
    """Prometheus finds Triton by a monitor of ours; KServe's annotation points it at a port that nobody listens on."""
    for name in ("enable-prometheus-scraping", "enable-metric-aggregation"):
        value = at(served.inputs, "metadata", "annotations", f"serving.kserve.io/{name}")
        yield from expect(
            holds(value, lambda known: known != "true"), f"annotation serving.kserve.io/{name} must be left out"
        )


@stack_rule(of=RELEASES, row=None, sources=("KServe charts/kserve-resources",))
def kserve_makes_no_routes(resources: Sequence[Judged]) -> StackComplaints:
    """KServe's controller makes plain deployments and no routes: those are ours."""
    wanted = {
        ("kserve", "controller", "deploymentMode"): ("Standard", "RawDeployment"),
        ("kserve", "controller", "gateway", "disableIngressCreation"): (True, "true"),
    }
    for release in of_kind(resources, *RELEASES):
        installs = is_chart(release, "kserve-resources")
        for path, values in wanted.items():
            value = value_of(release, *path)
            right = either(_is(value, allowed) for allowed in values)
            message = f"values.{'.'.join(path)} must be {shown(values[0])} (got {shown(value)})"
            for complaint in expect(either((negate(installs), right)), message):
                yield release, complaint


def _is(value: Value, allowed: Value) -> Maybe:
    return holds(value, lambda known: known == allowed)


RULES: Final = (
    models_are_plain_deployments,
    weights_are_on_the_route,
    model_addresses_end_in_a_slash,
    models_are_named_by_digest,
    scaling_to_zero_is_possible,
    batching_is_tritons,
    metrics_are_tritons,
    kserve_makes_no_routes,
)
