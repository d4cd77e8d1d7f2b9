"""What a release file asks of the gateway, and the routes that Envoy gets for it."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.judge.plan import Metric, Plan, Step
from serving.release import Release
from serving.release_match import ByEntity, ByHeader
from serving.release_parts import Candidate, Previous, Registered, Shadow, Stable
from serving.twin.envoy_routes import COMPARER, routes
from serving.twin.routing import Copies, EntityRule, HeaderRule, Patience, Routing, chosen, routing_of

DIGESTS = {f"v{number}": f"sha256:{number:064x}" for number in range(5)}
PATIENCE = Patience(total_s=5)
TESTERS = ByHeader(kind="header", header="x-team", value="qa", role="tester")
ENTITIES = ByEntity(kind="entity", salt="spring")


def release(**parts: Any) -> Release:
    known = {
        name: Registered(digest=digest, uri=name, registered=datetime(2026, 1, 1, tzinfo=UTC))
        for name, digest in DIGESTS.items()
    }
    return Release(endpoint="churn", versions=known, stable=Stable(version="v1", digest=DIGESTS["v1"]), **parts)


def candidate(weight: int, *match: ByHeader | ByEntity) -> Candidate:
    return Candidate(version="v2", digest=DIGESTS["v2"], weight=weight, match=match)


def asked(given: Release) -> Routing:
    return routing_of(given, model_name="churn", patience=PATIENCE)


def routes_of(routing: Routing, method: str = "POST") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = routes(routing)["resources"][0]["virtual_hosts"][0]["routes"]
    return [
        route
        for route in found
        if any(header.get("string_match") == {"exact": method} for header in route["match"].get("headers", []))
    ]


def clusters_of(route: dict[str, Any]) -> dict[str, int]:
    action = route["route"]
    if "cluster" in action:
        return {action["cluster"]: 100}
    return {one["name"]: one["weight"] for one in action["weighted_clusters"]["clusters"]}


def test_a_candidate_whose_plan_judges_by_pairs_is_compared_and_a_shadow_only_listens() -> None:
    plan = Plan(steps=(Step(weight=20),), metrics=(Metric(name="disagreement"),))
    shadow = Shadow(version="v3", digest=DIGESTS["v3"], percent=40)
    told: dict[str, Any] = {"expected_rate_per_second": 1000.0, "plan": plan, "candidate": candidate(20)}
    routing = asked(release(**told, shadow=shadow))
    assert routing.compared == Copies(version="v2", percent=100)
    [chance] = [route["route"] for route in routes_of(routing) if "weighted_clusters" in route.get("route", {})]
    copied = {
        policy["cluster"]: policy["runtime_fraction"]["default_value"]["numerator"]
        for policy in chance["request_mirror_policies"]
    }
    assert copied == {"v3": 40, COMPARER: 100}
    assert asked(release(shadow=shadow)).compared == Copies(version="v3", percent=40)
    assert asked(release(candidate=candidate(20))).compared is None


def test_everything_that_the_file_says_is_in_the_routing() -> None:
    routing = asked(
        release(
            candidate=candidate(20, TESTERS, ENTITIES),
            previous=Previous(version="v0", digest=DIGESTS["v0"], weight=5),
            shadow=Shadow(version="v3", digest=DIGESTS["v3"], percent=40),
        )
    )
    assert routing.weights == {"v1": 75, "v2": 20, "v0": 5}
    assert routing.rules == (
        HeaderRule(header="x-team", value="qa", version="v2", role="tester"),
        EntityRule(header="x-stillhouse-entity", salt="spring"),
    )
    assert routing.shadow == Copies(version="v3", percent=40)
    assert set(routing.versions) == {"v0", "v1", "v2", "v3"}
    assert str(routing) == "v1 75 %, v2 20 %, v0 5 %, v3 gets copies of 40 %"


def test_a_candidate_for_a_rule_alone_and_a_relieved_version_run_without_weight() -> None:
    routing = asked(
        release(candidate=candidate(0, TESTERS), previous=Previous(version="v0", digest=DIGESTS["v0"], weight=0))
    )
    assert routing.weights == {"v1": 100}
    assert routing.versions == ("v1", "v2", "v0")
    assert str(routing) == "v1 100 %, v2 for those that a rule names"


@given(weight=st.integers(1, 99))
def test_chance_has_the_weights_and_every_answer_tells_its_version(weight: int) -> None:
    split = routes_of(asked(release(candidate=candidate(weight))))[-1]
    assert clusters_of(split) == {"v1": 100 - weight, "v2": weight}
    clusters = split["route"]["weighted_clusters"]["clusters"]
    told = {one["name"]: one["response_headers_to_add"][0]["header"]["value"] for one in clusters}
    assert told == {"v1": "v1", "v2": "v2"}
    assert "use_hash_policy" not in split["route"]["weighted_clusters"]


@given(weights=st.lists(st.integers(1, 90), min_size=2, max_size=6, unique=True), kept=st.integers(0, 9))
def test_a_larger_share_only_adds_entities_and_what_was_stable_before_keeps_its_own(
    weights: list[int], kept: int
) -> None:
    previous = Previous(version="v0", digest=DIGESTS["v0"], weight=kept)
    arms: list[list[str]] = []
    for weight in sorted(weights):
        by_hash = asked(release(candidate=candidate(weight, ENTITIES), previous=previous)).by_hash()
        assert sum(by_hash.values()) == 100
        arms.append([name for name, share in by_hash.items() for _ in range(share)])
    for before, after in pairwise(arms):
        moved = {(old, new) for old, new in zip(before, after, strict=True) if old != new}
        assert moved == {("v1", "v2")}


def test_an_entity_that_is_not_named_gets_the_stable_version_and_counts_for_nobody() -> None:
    last = routes_of(asked(release(candidate=candidate(30, ENTITIES))))[-1]
    assert clusters_of(last) == {chosen("v1"): 100}


def test_the_first_rule_that_holds_decides_and_a_tester_comes_before_all() -> None:
    found = [
        next(header["name"] for header in route["match"]["headers"] if header["name"] != ":method")
        for route in routes_of(asked(release(candidate=candidate(30, TESTERS, ENTITIES))))[1:-1]
    ]
    arm = "x-stillhouse-arm"
    assert found == [arm, arm, arm, "x-team", "x-stillhouse-entity"]


@pytest.mark.parametrize("salt", ["plain", "a\\b", "\\1", "$1"])
def test_a_salt_is_taken_letter_by_letter(salt: str) -> None:
    rule = ByEntity(kind="entity", salt=salt)
    route = routes_of(asked(release(candidate=candidate(30, rule))))[-2]
    written = route["route"]["hash_policy"][0]["header"]["regex_rewrite"]["substitution"]
    assert written == salt.replace("\\", "\\\\") + ":\\1"


def test_only_predictions_by_chance_or_entity_are_copied_and_to_both_alike() -> None:
    routing = asked(
        release(
            candidate=candidate(30, TESTERS, ENTITIES), shadow=Shadow(version="v3", digest=DIGESTS["v3"], percent=25)
        )
    )
    copied = [route["route"]["request_mirror_policies"] for route in routes_of(routing) if mirrored(route)]
    assert [[one["cluster"] for one in policies] for policies in copied] == [["v3", COMPARER]]
    shares = {one["runtime_fraction"]["default_value"]["numerator"] for policies in copied for one in policies}
    assert shares == {25}
    assert not any(mirrored(route) for route in routes_of(routing, "GET"))


def mirrored(route: dict[str, Any]) -> bool:
    return "request_mirror_policies" in route.get("route", {})


def test_without_weights_nobody_answers() -> None:
    silent = routing_of(Release(endpoint="churn"), model_name="churn", patience=PATIENCE)
    assert [route["direct_response"]["status"] for route in routes_of(silent)] == [503]


def test_only_what_never_reached_the_model_is_sent_again() -> None:
    for route in routes_of(asked(release())):
        if "route" in route:
            reasons = route["route"]["retry_policy"]["retry_on"].split(",")
            assert set(reasons) == {"connect-failure", "refused-stream", "reset-before-request"}


def test_equal_contents_have_equal_versions_and_others_do_not() -> None:
    one, same, other = (routes(asked(release(candidate=candidate(weight)))) for weight in (10, 10, 11))
    assert one["version_info"] == same["version_info"] != other["version_info"]
