"""Rules about Triton's command line: what it loads, what it shows and how it ends."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from infra.policies.judged import UNKNOWN, Judged, at, has_unknown, items
from infra.policies.pod_views import CONTAINERS, RUNTIMES, SERVICE, WHOLE, Container, containers, pod_spec
from infra.policies.rule import Complaints, expect, expect_is, holds, resource_rule, shown

DEPLOYMENT_GUIDE: Final = "Triton deployment guide"
SERVERS: Final = (*WHOLE, *RUNTIMES)
OLDEST: Final = (26, 4)
"""Year and month of the first image whose clients may not map memory unless Triton is told so; it is also above the
releases that mend NVIDIA's bulletin 5828 and CVE-2025-233xx."""
HIDDEN: Final = frozenset({"shared-memory", "model-repository", "model-config", "statistics", "trace", "logging"})
EXIT_TIMEOUT_S: Final = 30
"""Triton's own `--exit-timeout-secs`."""
GRACE_S: Final = 30
"""Kubernetes' own `terminationGracePeriodSeconds`."""


def _tritons(resource: Judged) -> Iterator[tuple[Container, Mapping[str, str] | None]]:
    """Triton's containers with their options; None where the command line is not known yet."""
    for container in containers(resource):
        image, line = (
            at(container.spec, "image"),
            [
                *items(at(container.spec, "command")),
                *items(at(container.spec, "args")),
            ],
        )
        if has_unknown(line):
            if image is UNKNOWN or "triton" in str(image) or "tritonserver" in line:
                yield container, None
        elif "tritonserver" in line or "tritonserver" in str(image):
            yield container, options([str(word) for word in line])


def options(line: list[str]) -> dict[str, str]:
    """`--name=value` and `--name value` as name -> value; several values of one name with a comma between."""
    found: dict[str, str] = {}
    for position, word in enumerate(line):
        if not word.startswith("--"):
            continue
        name, equals, value = word[2:].partition("=")
        following = line[position + 1] if position + 1 < len(line) else "--"
        if not equals:
            value = "true" if following.startswith("--") else following
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _wants(resource: Judged, wanted: Mapping[str, tuple[str, ...]]) -> Complaints:
    """Each option has to be there with one of its values."""
    for container, given in _tritons(resource):
        if given is None:
            yield UNKNOWN
            continue
        for name, values in wanted.items():
            value = given.get(name)
            allowed = " or ".join(values)
            yield from expect(value in values, f"{container.label}: --{name} must be {allowed} (got {shown(value)})")


@resource_rule(of=CONTAINERS, row=59, sources=("NVIDIA bulletin 5828", "CVE-2025-23319", "KServe runtime chart"))
def triton_is_recent(resource: Judged) -> Complaints:
    """Triton is a release with the known holes mended, never KServe's own 23.05."""
    for container in containers(resource):
        image = at(container.spec, "image")
        if image is UNKNOWN:
            yield UNKNOWN
        elif released := re.search(r"tritonserver:(\d\d)\.(\d\d)", str(image)):
            recent = (int(released[1]), int(released[2])) >= OLDEST
            yield from expect(
                recent, f"{container.label}: Triton must be {OLDEST[0]}.{OLDEST[1]:02} or later (got {image})"
            )


@resource_rule(of=(SERVICE,), row=59, sources=("KServe runtime chart",))
def no_runtime_of_kserve(served: Judged) -> Complaints:
    """A model names a runtime of ours; left to choose, KServe takes its own Triton of 2023."""
    runtime = at(served.inputs, "spec", "predictor", "model", "runtime")
    own = holds(runtime, lambda value: bool(value) and not str(value).startswith("kserve-"))
    yield from expect(own, f"spec.predictor.model.runtime must name a runtime of ours (got {shown(runtime)})")


@resource_rule(of=SERVERS, row=60, sources=(DEPLOYMENT_GUIDE,))
def triton_loads_what_it_was_given(resource: Judged) -> Complaints:
    """Triton loads its repository once, as it is written: nobody loads another model, no configuration is guessed."""
    wanted = {"model-control-mode": ("none",), "disable-auto-complete-config": ("true",), "exit-on-error": ("true",)}
    yield from _wants(resource, wanted)


@resource_rule(of=SERVERS, row=60, sources=(DEPLOYMENT_GUIDE,))
def triton_is_ready_when_its_models_are(resource: Judged) -> Complaints:
    """Triton reports itself ready when all of its models are."""
    yield from _wants(resource, {"strict-readiness": ("true",)})


@resource_rule(of=SERVERS, row=60, sources=(DEPLOYMENT_GUIDE, "Triton a5b45da57, 6b0539b92"))
def triton_speaks_one_dialect(resource: Judged) -> Complaints:
    """Triton's SageMaker and Vertex AI ports, which go round its restrictions, are off."""
    yield from _wants(resource, {"allow-sagemaker": ("false",), "allow-vertex-ai": ("false",)})


@resource_rule(of=SERVERS, row=60, sources=(DEPLOYMENT_GUIDE,))
def triton_traces_nothing(resource: Judged) -> Complaints:
    """Tracing, which writes requests to files, is off."""
    for container, given in _tritons(resource):
        traces = None if given is None else [name for name in given if name.startswith("trace-")]
        outcome = UNKNOWN if traces is None else not traces
        yield from expect(outcome, f"{container.label}: --{shown(traces)} must be left out")


@resource_rule(of=SERVERS, row=61, sources=("Triton inference protocols", "Triton 546a78766"))
def triton_hides_its_administration(resource: Judged) -> Complaints:
    """What inference does not need asks for a key: shared memory, repository, configuration, statistics, trace, log."""
    for container, given in _tritons(resource):
        if given is None:
            yield UNKNOWN
            continue
        for option in ("http-restricted-api", "grpc-restricted-protocol"):
            protocol_is_off = given.get(f"allow-{option[:4]}") == "false"
            named = {name for part in given.get(option, "").split(",") for name in part.split(":")[0].split(",")}
            missing = sorted(HIDDEN - named)
            yield from expect(
                protocol_is_off or not missing, f"{container.label}: --{option} must hold {shown(missing)}"
            )
        shared = given.get("allow-client-shm", "false")
        yield from expect(shared == "false", f"{container.label}: --allow-client-shm must be left out")


@resource_rule(of=SERVERS, row=62, sources=(DEPLOYMENT_GUIDE,))
def triton_bounds_its_answers(resource: Judged) -> Complaints:
    """Answers that wait in gRPC streams are bounded, so that a slow reader cannot fill the memory."""
    for container, given in _tritons(resource):
        if given is None:
            yield UNKNOWN
        elif given.get("allow-grpc") != "false":
            bound = given.get("grpc-max-response-pool-size")
            stated = bound is not None and bound.isdigit() and int(bound) > 0
            yield from expect(
                stated, f"{container.label}: --grpc-max-response-pool-size must be above 0 (got {shown(bound)})"
            )


@resource_rule(of=SERVERS, row=None, sources=("Triton #6230", DEPLOYMENT_GUIDE))
def triton_drains_before_it_ends(resource: Judged) -> Complaints:
    """A pod leaves the route before Triton ends: a preStop hook holds it, and the grace period is longer."""
    for container, given in _tritons(resource):
        hook = at(container.spec, "lifecycle", "preStop")
        yield from expect(holds(hook, bool), f"{container.label}: lifecycle.preStop is missing")
        grace = at(pod_spec(resource), "terminationGracePeriodSeconds")
        if given is None or has_unknown(grace):
            yield UNKNOWN
            continue
        if resource.kind in RUNTIMES:
            continue
        exit_s = int(given.get("exit-timeout-secs", EXIT_TIMEOUT_S))
        grace_s = float(GRACE_S if grace is None else grace)
        yield from expect(
            grace_s > exit_s, f"terminationGracePeriodSeconds must exceed {exit_s} (got {shown(grace_s)})"
        )


@resource_rule(of=SERVERS, row=None, sources=("Triton deployment guide",))
def triton_shows_its_metrics(resource: Judged) -> Complaints:
    """Triton counts what it does; no data is not good data."""
    for container, given in _tritons(resource):
        if given is None:
            yield UNKNOWN
        else:
            yield from expect_is(given.get("allow-metrics", "true"), "true", f"{container.label}: --allow-metrics")


RULES: Final = (
    triton_is_recent,
    no_runtime_of_kserve,
    triton_loads_what_it_was_given,
    triton_is_ready_when_its_models_are,
    triton_speaks_one_dialect,
    triton_traces_nothing,
    triton_hides_its_administration,
    triton_bounds_its_answers,
    triton_drains_before_it_ends,
    triton_shows_its_metrics,
)
