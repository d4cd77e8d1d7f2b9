"""The route's body: the few paths, the split, and what happens with no version at all."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.release.virtual_service import Arm, HeaderRule, Mirror, Patience, virtual_service_spec


def arm(version: str, weight: int) -> Arm:
    return Arm(version=version, host=f"churn-{version}-predictor", weight=weight)


def spec(
    *arms: Arm, patience: Patience | None = None, rules: Sequence[HeaderRule] = (), mirror: Mirror | None = None
) -> dict[str, Any]:
    return virtual_service_spec(
        endpoint="churn",
        hostname="predict.example.com",
        gateway="edge/endpoints",
        arms=arms,
        patience=patience or Patience(),
        rules=rules,
        mirror=mirror,
    )


def by_chance(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Routes that no header leads to."""
    return [route for route in body["http"] if "headers" not in route["match"][0]]


def test_only_the_models_own_paths_lead_anywhere() -> None:
    body = spec(arm("v1", 100))
    assert {match["uri"]["exact"] for route in body["http"] for match in route["match"]} == {
        "/v2/models/churn/infer",
        "/v2/models/churn/ready",
        "/v2/models/churn",
    }
    matches = [
        (match["method"]["exact"], match["uri"]["exact"]) for route in by_chance(body) for match in route["match"]
    ]
    assert matches == [
        ("POST", "/v2/models/churn/infer"),
        ("GET", "/v2/models/churn/ready"),
        ("GET", "/v2/models/churn"),
    ]
    assert (body["hosts"], body["gateways"]) == (["predict.example.com"], ["edge/endpoints"])


@settings(deadline=None)
@given(st.integers(0, 100))
def test_each_path_has_the_same_split(weight: int) -> None:
    for route in by_chance(spec(arm("v1", 100 - weight), arm("v2", weight))):
        split = {part["destination"]["host"]: part["weight"] for part in route["route"]}
        assert split == {"churn-v1-predictor": 100 - weight, "churn-v2-predictor": weight}


def test_the_answer_names_its_version_whatever_the_caller_claims() -> None:
    route = spec(arm("v1", 100))["http"][0]
    assert route["route"][0]["headers"] == {"response": {"set": {"x-stillhouse-version": "v1"}}}
    assert route["headers"] == {"request": {"remove": ["x-stillhouse-version"]}}


def test_only_what_reached_no_model_is_tried_again() -> None:
    route = spec(arm("v1", 100), patience=Patience(timeout_ms=800, retries=1))["http"][0]
    assert route["timeout"] == "800ms"
    assert route["retries"] == {"attempts": 1, "retryOn": "connect-failure,refused-stream"}
    assert spec(arm("v1", 100), patience=Patience(retries=0))["http"][0]["retries"] == {"attempts": 0}


def test_an_endpoint_without_versions_says_so() -> None:
    assert [route["directResponse"] for route in spec()["http"]] == [{"status": 503}] * 3


@pytest.mark.parametrize("weights", [(50, 49), (100, 1), (0,), (0, 0)])
def test_a_split_that_is_none_is_refused(weights: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="add up to 100"):
        spec(*(arm(f"v{number}", weight) for number, weight in enumerate(weights)))


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="each version once"):
        spec(arm("v1", 50), arm("v1", 50))
    with pytest.raises(ValueError, match=r"weight: \(got 101\)"):
        arm("v1", 101)
    with pytest.raises(ValueError, match="0 to 5 retries"):
        Patience(retries=6)


def test_a_tester_s_choice_comes_before_rules_and_rules_before_chance() -> None:
    body = spec(arm("v1", 90), arm("v2", 10), rules=[HeaderRule(header="x-app", value="ios", version="v2")])
    asked = [(route["match"][0].get("headers"), hosts(route)) for route in body["http"][:4]]
    assert asked == [
        ({"x-stillhouse-arm": {"exact": "v1"}}, {"churn-v1-predictor": 100}),
        ({"x-stillhouse-arm": {"exact": "v2"}}, {"churn-v2-predictor": 100}),
        ({"x-app": {"exact": "ios"}}, {"churn-v2-predictor": 100}),
        (None, {"churn-v1-predictor": 90, "churn-v2-predictor": 10}),
    ]


def test_a_shadow_gets_copies_of_what_chance_decides() -> None:
    body = spec(arm("v1", 100), arm("v2", 0), mirror=Mirror(host="churn-v2-predictor", percent=25))
    copied = [route["mirrors"] for route in body["http"] if "mirrors" in route]
    assert len(copied) == len(by_chance(body))
    assert copied[0][0]["percentage"] == {"value": 25}
    assert copied[0][0]["destination"]["host"] == "churn-v2-predictor"


def test_a_rule_for_a_version_that_does_not_run_is_refused() -> None:
    with pytest.raises(ValueError, match=r"rules: \(got version v3\); allowed are v1"):
        spec(arm("v1", 100), rules=[HeaderRule(header="x-app", value="ios", version="v3")])
    with pytest.raises(ValueError, match="1 to 100"):
        Mirror(host="h", percent=0)


def hosts(route: dict[str, Any]) -> dict[str, int]:
    return {part["destination"]["host"]: part["weight"] for part in route["route"]}
