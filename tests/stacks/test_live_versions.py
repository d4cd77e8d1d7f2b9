"""Release files -> what runs: a whole split for every valid file, and an error for what no cluster can serve."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import UserError
from serving.judge.plan import Metric, Plan
from serving.release import Release, release_text
from serving.release_match import ByEntity, ByHeader
from serving.release_verbs import canary, promote, ramp, register, rollback
from serving.release_verbs_side import ab, shadow
from serving.resources import FixedReplicas, Replicas, Resources, ScaleByRequests
from stacks.live_versions import LiveEndpoint, live_endpoint, read_endpoints
from tests.serving.test_release_verbs import NOW, digest

RESOURCES = Resources(
    compute="gpu",
    cpu=8,
    memory_gib=32,
    replicas=Replicas(min=3, max=6),
    candidate_replicas=Replicas(min=1, max=2),
    scaling=ScaleByRequests(kind="requests", per_replica_per_second=600),
)


def registered(*numbers: int, endpoint: str = "churn") -> Release:
    release = Release(endpoint=endpoint, resources=RESOURCES)
    for number in numbers:
        uri = f"{endpoint}/{digest(number).removeprefix('sha256:')}/"
        release = register(release, version=f"v{number}", digest=digest(number), uri=uri, registered=NOW).release
    return release


def on_trial(weight: int = 10) -> Release:
    return canary(promote(registered(1, 2, 3), version="v1").release, version="v2", weight=weight).release


def live(release: Release) -> LiveEndpoint:
    return live_endpoint(release, place="churn.yaml")


@st.composite
def releases(draw: st.DrawFn) -> Release:
    """What some sequence of verbs leads to, with some of the rest kept warm."""
    release = registered(*range(1, draw(st.integers(1, 4)) + 1))
    for step in draw(st.lists(st.tuples(st.sampled_from("cprb"), st.integers(1, 4), st.integers(1, 99)), max_size=8)):
        release = _take(release, *step)
    idle = [name for name in release.versions if name not in release.arms()]
    good = [name for name in idle if not release.is_rejected(release.versions[name].digest)]
    warm = draw(st.lists(st.sampled_from(good), unique=True)) if good and release.stable else []
    return Release.model_validate(release.model_dump(by_alias=True) | {"warm": warm})


def _take(release: Release, verb: str, number: int, weight: int) -> Release:
    try:
        match verb:
            case "c":
                return canary(release, version=f"v{number}", weight=weight).release
            case "p":
                return promote(release, version=f"v{number}").release
            case "r":
                return ramp(release, weight=weight).release
            case _:
                return rollback(release).release
    except UserError:
        return release


@settings(deadline=None)
@given(releases())
def test_shares_add_up_to_all_and_every_version_with_a_share_runs(release: Release) -> None:
    versions = live(release).versions
    assert sum(one.weight for one in versions) == (100 if release.stable else 0)
    assert {one.version: one.weight for one in versions if one.weight} == release.weights()
    waiting = {release.previous.version} if release.previous else set()
    assert {one.version for one in versions if not one.weight} == {*release.warm, *waiting}
    assert all(one.digest.removeprefix("sha256:") in one.uri and one.uri.endswith("/") for one in versions)


def test_the_candidate_may_be_smaller_than_what_it_would_replace() -> None:
    by_version = {one.version: one.replicas.min for one in live(on_trial()).versions}
    assert by_version == {"v1": 3, "v2": 1}


def test_what_a_promotion_relieved_stays_as_large_as_it_was() -> None:
    provisional = promote(on_trial(), version="v2").release
    assert {one.version: (one.replicas.min, one.weight) for one in live(provisional).versions} == {
        "v2": (3, 100),
        "v1": (3, 0),
    }


def test_a_file_without_resources_is_for_the_twin_only() -> None:
    with pytest.raises(
        UserError, match=r"`churn.yaml`: resources: a cluster needs them \(got null\)\n\nhint: docs/rel"
    ):
        live(on_trial().model_copy(update={"resources": None}))


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (
            "repositories/v1",
            r"versions.v1.uri: its last folder is not the digest's 000000000000.* \(got repositories/v1\)",
        ),
        ("s3://bucket/churn/latest/", "its last folder is not the digest's"),
        (f"/data/{1:064x}/", "a cluster cannot read it"),
        (f"file:///data/{1:064x}/", "a cluster cannot read it"),
        (f"../{1:064x}/", "a cluster cannot read it"),
    ],
)
def test_an_address_that_could_mean_another_model_is_refused(uri: str, message: str) -> None:
    release = Release(endpoint="churn", resources=RESOURCES)
    known = register(release, version="v1", digest=digest(1), uri=uri, registered=NOW).release
    with pytest.raises(UserError, match=message):
        live(promote(known, version="v1").release)


@pytest.mark.parametrize("uri", [f"s3://other/churn/{1:064x}", f"churn/{1:064x}/"])
def test_an_address_gets_the_slash_that_kserve_needs(uri: str) -> None:
    release = Release(endpoint="churn", resources=RESOURCES)
    known = register(release, version="v1", digest=digest(1), uri=uri, registered=NOW).release
    assert [one.uri for one in live(promote(known, version="v1").release).versions] == [uri.rstrip("/") + "/"]


def test_warm_versions_need_a_stable_one() -> None:
    with pytest.raises(UserError, match=r"warm: nothing is stable yet \(got v1\)"):
        live(registered(1).model_copy(update={"warm": ("v1",)}))


def test_files_are_read_by_name_and_carry_it(tmp_path: Path) -> None:
    for name in ("fraud", "churn"):
        (tmp_path / f"{name}.yaml").write_text(
            release_text(promote(registered(1, endpoint=name), version="v1").release)
        )
    assert [endpoint.name for endpoint in read_endpoints(tmp_path)] == ["churn", "fraud"]
    (tmp_path / "churn.yaml").rename(tmp_path / "leavers.yaml")
    with pytest.raises(UserError, match=r"endpoint: is not the file's name \(got churn\)\n\nhint: `churn.yaml`, or"):
        read_endpoints(tmp_path)
    with pytest.raises(UserError, match="no folder of release files"):
        read_endpoints(tmp_path / "absent")


def test_fixed_replicas_read_back() -> None:
    fixed = RESOURCES.model_copy(update={"scaling": FixedReplicas(kind="fixed"), "replicas": Replicas(min=2, max=2)})
    assert live(on_trial().model_copy(update={"resources": fixed})).resources.scaling.kind == "fixed"


def test_a_shadow_runs_and_is_told_to_the_route() -> None:
    release = promote(registered(1, 2), version="v1").release
    told = live(shadow(release, version="v2", percent=30).release)
    assert {one.version: one.weight for one in told.versions} == {"v1": 100, "v2": 0}
    assert told.shadow is not None
    assert (told.shadow.version, told.shadow.percent) == ("v2", 30)


def test_a_rule_that_istio_cannot_decide_is_refused() -> None:
    stable = promote(registered(1, 2), version="v1").release
    by_header = ab(stable, version="v2", rules=(ByHeader(kind="header", header="x-app", value="ios"),)).release
    assert [rule.value for rule in live(by_header).rules] == ["ios"]
    by_entity = ab(stable, version="v2", share=20, rules=(ByEntity(kind="entity", salt="one"),)).release
    with pytest.raises(UserError, match=r"candidate.match\[0\]: a cluster's gateway cannot split by entity"):
        live(by_entity)
    pairs = Plan(metrics=(Metric(name="disagreement"),))
    judged = stable.model_copy(update={"plan": pairs, "expected_rate_per_second": 1000.0})
    with pytest.raises(UserError, match=r"plan.metrics: nothing on a cluster asks both versions the same"):
        live(judged)
    testers = ByHeader(kind="header", header="x-app", value="ios", role="tester")
    with pytest.raises(UserError, match="does not see roles"):
        live(ab(stable, version="v2", rules=(testers,)).release)
