"""Rules about Karpenter's pools: what they may cost, whom they serve, and when their nodes go."""

import re
from typing import Final

from infra.policies.judged import UNKNOWN, Judged, Maybe, at, either, has_unknown, items, negate
from infra.policies.rule import Complaints, expect, expect_is, holds, resource_rule, shown

POOL: Final = "karpenter.sh:NodePool"
INSTANCE_TYPE: Final = "node.kubernetes.io/instance-type"
GPU: Final = "nvidia.com/gpu"


@resource_rule(of=(POOL,), row=None, sources=("EKS guide: Karpenter",))
def pools_have_a_limit(pool: Judged) -> Complaints:
    """A pool grows to a stated limit, so that a mistake costs no more than that."""
    limits = at(pool.inputs, "spec", "limits")
    bounded = holds(limits, lambda value: bool(value) and bool({"cpu", "nodes", GPU} & set(value)))
    yield from expect(bounded, f"spec.limits must bound cpu, nodes or {GPU} (got {shown(limits)})")


@resource_rule(of=(POOL,), row=None, sources=("Karpenter #8297", "Karpenter #2985"))
def busy_nodes_are_left_alone(pool: Judged) -> Complaints:
    """A node goes when it is empty, and not because its pods would fit elsewhere: a moved pod is a pause in answers."""
    policy = at(pool.inputs, "spec", "disruption", "consolidationPolicy")
    yield from expect_is(policy, "WhenEmpty", "spec.disruption.consolidationPolicy")


@resource_rule(of=(POOL,), row=None, sources=("EKS guide: Karpenter", "EKS guide: AI/ML"))
def gpu_nodes_are_for_models(pool: Judged) -> Complaints:
    """Nodes with a GPU are tainted, so that nothing else wakes or fills them."""
    template = at(pool.inputs, "spec", "template", "spec")
    tainted = either(
        holds(taint, lambda value: at(value, "key") == GPU and at(value, "effect") == "NoSchedule")
        for taint in items(at(template, "taints"))
    )
    yield from expect(
        either((negate(_has_gpus(pool)), tainted)), f"spec.template.spec.taints must hold {GPU}:NoSchedule"
    )


def _has_gpus(pool: Judged) -> Maybe:
    """By its limit, or by a family of instances with NVIDIA's accelerators."""
    requirements = items(at(pool.inputs, "spec", "template", "spec", "requirements"))
    if has_unknown(requirements):
        return UNKNOWN
    types = [str(one) for r in requirements if at(r, "key") == INSTANCE_TYPE for one in items(at(r, "values"))]
    by_limit = holds(at(pool.inputs, "spec", "limits"), lambda value: GPU in (value or {}))
    return either((by_limit, any(re.match(r"(g\d|p\d)", one) for one in types)))


RULES: Final = (pools_have_a_limit, busy_nodes_are_left_alone, gpu_nodes_are_for_models)
