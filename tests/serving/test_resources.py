"""The release file's part for clusters: it reads back, contradictions are explained, and the verbs keep it."""

import pytest

from model.errors import UserError
from serving.release import Release, parse_release, release_text
from serving.release_verbs import canary, promote, ramp, register, rollback
from tests.serving.test_release_verbs import digest, on_trial, with_versions

RESOURCES = """
resources:
  compute: gpu
  cpu: 8
  memory_gib: 32
  replicas: {min: 2, max: 4}
  candidate_replicas: {min: 1, max: 4}
  scaling: {kind: requests, per_replica_per_second: 500}
"""
GOOD = release_text(on_trial()) + "warm: [v3]" + RESOURCES


def test_the_text_gives_the_same_release_back() -> None:
    release = parse_release(GOOD, place="churn.yaml")
    assert release.resources is not None
    assert release.arms() == {"v1": 90, "v2": 10, "v3": 0}
    assert release.weights() == {"v1": 90, "v2": 10}
    assert parse_release(release_text(release), place="churn.yaml") == release


def test_a_file_without_them_stays_as_short_as_it_was() -> None:
    assert not {"resources", "warm"} & {line.split(":")[0] for line in release_text(on_trial()).splitlines()}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("compute: gpu", "compute: tpu", r"resources.compute: Input should be 'cpu' or 'gpu' \(got 'tpu'\)"),
        ("cpu: 8", "cpus: 8", r"resources.cpus: no such field \(got cpus\)\n\nhint: did you mean `cpu`"),
        ("cpu: 8", "cpu: 0.5", r"resources.cpu: .*valid integer \(got 0.5\)"),
        ("{min: 2, max: 4}", "{min: 5, max: 4}", r"resources.replicas.min: must be at most max \(got 5 and 4\)"),
        (
            "{min: 2, max: 4}",
            "{min: 2, most: 4}",
            r"resources.replicas.most: no such .*\n\nhint: allowed are: min, max",
        ),
        (
            "kind: requests, per_replica_per_second: 500",
            "kind: queue",
            r"resources.scaling: .*'requests', 'cpu', 'fixed'",
        ),
        ("per_replica_per_second: 500", "per_replica: 500", "did you mean `per_replica_per_second`"),
        (
            "{min: 1, max: 4}\n  scaling: {kind: requests, per_replica_per_second: 500}",
            "{min: 0, max: 4}\n  scaling: {kind: cpu, percent: 60}",
            r"resources.candidate_replicas.min: 0 needs scaling by requests.* \(got cpu\)",
        ),
        ("{kind: requests, per_replica_per_second: 500}", "{kind: fixed}", r"resources.replicas: .*\(got 2 and 4\)"),
        ("warm: [v3]", "warm: [v9]", r"warm: not registered \(got v9\); registered are: v1, v2, v3"),
        ("warm: [v3]", "warm: [v2]", "warm: v2 runs already"),
        ("warm: [v3]", "warm: [v3, v3]", "warm: v3 runs already"),
        (
            "rejected: []",
            f"rejected: [{{digest: '{digest(3)}', version: v3, reason: x}}]",
            "warm: the digest of v3 was",
        ),
    ],
)
def test_a_contradiction_is_explained(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(UserError, match=rf"`churn.yaml:\d+`: {message}" if "did you" not in message else message):
        parse_release(GOOD.replace(old, new), place="churn.yaml")


def with_warm(release: Release, *versions: str) -> Release:
    return release.model_copy(update={"warm": versions})


def test_a_warm_version_that_gets_traffic_is_no_longer_only_warm() -> None:
    first = with_warm(promote(with_versions(1, 2, 3), version="v1").release, "v2", "v3")
    release = canary(first, version="v2", weight=10).release
    assert release.warm == ("v3",)
    assert release.arms() == {"v1": 90, "v2": 10, "v3": 0}


def test_no_verb_loses_what_a_cluster_needs() -> None:
    release = parse_release(GOOD, place="churn.yaml")
    for change in (ramp(release, weight=50), promote(release, version="v2"), rollback(release)):
        assert change.release.resources == release.resources
        assert change.release.warm == ("v3",)


def test_a_rejected_digest_does_not_stay_warm_under_another_name() -> None:
    release = on_trial()
    known = release.versions["v2"]
    renamed = register(release, version="v4", digest=known.digest, uri=known.uri, registered=known.registered).release
    assert rollback(with_warm(renamed, "v4")).release.warm == ()
