"""All rules, by subject, and the judgement of a stack: resources in, findings out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import yaml

from infra.policies import (
    aws_cluster,
    aws_data,
    aws_identity,
    aws_watch,
    callers,
    edge,
    kserve,
    mesh,
    namespaces,
    pins,
    pods,
    pools,
    rbac,
    triton,
)
from infra.policies.judged import UNKNOWN, Judged, Options, Value, at, items
from infra.policies.rule import Finding, Rule, Undecided

SUBJECTS: Final[Mapping[str, tuple[Rule, ...]]] = MappingProxyType(
    {
        "Cluster and nodes": aws_cluster.RULES,
        "Identity": aws_identity.RULES,
        "Data, keys and registry": aws_data.RULES,
        "Logs and queues": aws_watch.RULES,
        "Pools": pools.RULES,
        "Namespaces": namespaces.RULES,
        "Pods": pods.RULES,
        "Rights in Kubernetes": rbac.RULES,
        "Mesh": mesh.RULES,
        "Callers": callers.RULES,
        "Edge": edge.RULES,
        "Triton": triton.RULES,
        "KServe": kserve.RULES,
        "Versions": pins.RULES,
    }
)
RULES: Final = tuple(rule for rules in SUBJECTS.values() for rule in rules)
GROUPS: Final = ("kubernetes:yaml/v2:ConfigGroup", "kubernetes:yaml:ConfigGroup")


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """What the rules say of a stack."""

    findings: tuple[Finding, ...]
    """Violations, by rule and then in the stack's order."""
    undecided: tuple[Undecided, ...]
    """What can be told only after the update; empty where every input is known."""


def review(resources: Sequence[Judged]) -> Review:
    """Judge a stack by every rule."""
    whole = expand(resources)
    opinions = [opinion for rule in RULES for opinion in rule.opinions(whole)]
    return Review(
        findings=tuple(dict.fromkeys(opinion for opinion in opinions if isinstance(opinion, Finding))),
        undecided=tuple(dict.fromkeys(opinion for opinion in opinions if isinstance(opinion, Undecided))),
    )


def judge(resources: Sequence[Judged]) -> list[Finding]:
    """The violations alone."""
    return list(review(resources).findings)


def expand(resources: Sequence[Judged]) -> tuple[Judged, ...]:
    """The resources, and the objects inside groups of YAML that the engine has not laid out itself.

    A Kubernetes object without inputs is read and not declared: it is somebody else's.
    """
    resources = [one for one in resources if one.inputs or not one.type.startswith("kubernetes:")]
    laid_out = {resource.options.parent for resource in resources}
    groups = [resource for resource in resources if resource.type in GROUPS and resource.urn not in laid_out]
    return (*resources, *(inner for group in groups for inner in _objects(group)))


def _objects(group: Judged) -> list[Judged]:
    texts = [text for text in items(at(group.inputs, "yaml")) if text is not UNKNOWN]
    written = [body for text in texts for body in yaml.safe_load_all(text)]
    bodies = [*items(at(group.inputs, "objs")), *written]
    return [_object(group, body) for body in bodies if isinstance(body, Mapping)]


def _object(group: Judged, body: Mapping[str, Value]) -> Judged:
    version, kind = str(body.get("apiVersion")), str(body.get("kind"))
    group_and_version = version if "/" in version else f"core/{version}"
    return replace(
        group,
        type=f"kubernetes:{group_and_version}:{kind}",
        name=f"{group.name}/{at(body, 'metadata', 'name')}",
        inputs=body,
        options=Options(parent=group.urn, depends_on=group.options.depends_on),
    )
