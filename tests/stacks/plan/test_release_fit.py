"""Versions against the pools that their platform allows."""

from typing import Any

import pytest

from infra.policies.rule import Level
from stacks.capture.resource import Resource
from stacks.plan.release_fit import SERVICE, Asked, asked_of, release_findings
from stacks.programs import stack_file
from stacks.settings.read import read_settings
from stacks.settings.settings import Settings
from stacks.settings.stack_config import config_of_file
from tests.stacks.bill.samples import captured, resource, settings
from tests.stacks.plan.shipped import planned


def _service(name: str, fewest: int, most: int, **requests: Any) -> Resource:
    asked = {key.replace("gpu", "nvidia.com/gpu"): value for key, value in requests.items()}
    model = {"resources": {"requests": asked}}
    return resource(
        SERVICE, name, {"spec": {"predictor": {"minReplicas": fewest, "maxReplicas": most, "model": model}}}
    )


def _gpu(name: str, fewest: int, most: int) -> Resource:
    return _service(name, fewest, most, cpu="8", memory="32Gi", gpu="1")


def test_a_gpu_pod_takes_a_whole_node() -> None:
    found = asked_of(captured(_gpu("a", 3, 6), _gpu("b", 1, 2)), settings("high"))
    assert found == (Asked(pool="gpu", minimum=4, maximum=8, limit=8),)


def test_cpu_pods_share_a_node_up_to_its_cores_and_memory() -> None:
    small, large = _service("s", 2, 7, cpu="1", memory="2Gi"), _service("l", 0, 1, cpu="500m", memory="28Gi")
    assert asked_of(captured(small), settings("low")) == (Asked(pool="cpu", minimum=1, maximum=1, limit=1),)
    assert asked_of(captured(small, large), settings("low"))[0].maximum == 2


@pytest.mark.parametrize(
    ("tier", "fewest", "most", "level"),
    [
        ("medium", 1, 3, None),
        ("medium", 1, 4, Level.ADVISORY),
        ("medium", 4, 4, Level.MANDATORY),
        ("low", 0, 1, Level.MANDATORY),
        ("low", 0, 0, None),
    ],
)
def test_pods_that_wait_are_a_finding(tier: Any, fewest: int, most: int, level: Level | None) -> None:
    found = list(release_findings(captured(_gpu("a", fewest, most)), settings(tier)))
    assert [one.level for one in found] == ([] if level is None else [level])
    assert all("stillhouse:nodes.gpu.maximum" in one.message for one in found)


def _shipped(environment: str) -> Settings:
    return read_settings(config_of_file(stack_file(environment)))


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_shipped_releases_fit_even_at_their_most(environment: str) -> None:
    plan = planned(f"{environment}-releases")
    asked = asked_of(plan.capture, _shipped(environment))
    assert asked
    assert all(one.maximum <= one.limit for one in asked)
    assert [finding for finding in plan.findings if finding.rule == "versions-fit-their-pool"] == []
