"""Shadows and comparisons: who listens, who is asked, and what ends them."""

from serving.release import Release, parse_release, release_text
from serving.release_match import ByEntity, ByHeader
from serving.release_verbs import canary, promote, ramp, register, rollback
from serving.release_verbs_side import ab, end_ab, end_shadow, shadow
from tests.serving.test_release_verbs import NOW, digest, promoted, with_versions

TESTER = ByHeader(kind="header", header="x-stillhouse-version", value="v2", role="tester")
HALF = ByEntity(kind="entity", salt="november")


def served() -> Release:
    return promote(with_versions(1, 2, 3), version="v1").release


def test_a_shadow_listens_beside_a_trial_and_gets_no_share() -> None:
    release = canary(shadow(served(), version="v3", percent=20).release, version="v2", weight=10).release
    assert release.weights() == {"v1": 90, "v2": 10}
    assert release.arms() == {"v1": 90, "v2": 10, "v3": 0}
    assert end_shadow(release).release.arms() == {"v1": 90, "v2": 10}


def test_a_shadow_that_comes_on_trial_is_none_any_more() -> None:
    change = canary(shadow(served(), version="v2").release, version="v2", weight=10)
    assert change.release.shadow is None
    assert change.release.weights() == {"v1": 90, "v2": 10}


def test_a_shadow_ends_with_its_digest() -> None:
    listening = shadow(promoted(), version="v3").release
    assert rollback(listening, version="v2").release.shadow == listening.shadow
    renamed = register(listening, version="v4", digest=digest(3), uri="runs/v4", registered=NOW).release
    trial = canary(renamed, version="v4", weight=5).release
    assert trial.shadow is None, "v4 is the digest that listened as v3"
    assert rollback(trial).release.arms() == {"v2": 100, "v1": 0}


def test_a_comparison_by_header_takes_nobody_else() -> None:
    change = ab(served(), version="v2", rules=[TESTER], now=NOW)
    assert change.reason == "compare v2 on requests with x-stillhouse-version: v2 and role tester"
    assert change.release.weights() == {"v1": 100}
    assert change.release.arms() == {"v1": 100, "v2": 0}
    assert change.release.candidate is not None
    assert change.release.candidate.match == (TESTER,)


def test_a_comparison_by_entity_has_half_of_them_and_can_grow() -> None:
    change = ab(served(), version="v2", rules=[TESTER, HALF])
    assert change.reason.endswith("50 % of the entities in x-stillhouse-entity (salt november)")
    assert change.release.weights() == {"v1": 50, "v2": 50}
    wider = ramp(change.release, weight=80).release
    assert wider.candidate is not None
    assert wider.candidate.match == (TESTER, HALF)
    assert parse_release(release_text(wider), place="churn.yaml") == wider


def test_a_candidate_keeps_its_share_when_rules_choose_who_has_it() -> None:
    trial = canary(served(), version="v2", weight=10).release
    release = ab(trial, version="v2", rules=[HALF]).release
    assert release.weights() == {"v1": 90, "v2": 10}
    back = end_ab(release).release
    assert back.candidate is not None
    assert (back.candidate.match, back.candidate.weight) == ((), 10)
