"""The releases stack as an engine receives it: what each change of a file touches, and what is shipped."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from infra.policies.judged import UNKNOWN
from model.errors import UserError
from serving.release import Release, release_text
from serving.release_verbs import canary, promote, ramp, rollback
from stacks.capture import fakes_kubernetes, fakes_stack_reference
from stacks.capture.fakes_stack_reference import STACK_REFERENCE, platform_outputs
from stacks.capture.monitor import Fake, FakeRequest
from stacks.capture.resource import Resource
from stacks.capture.run import Capture, capture
from stacks.capture.values import Secret, Value
from stacks.releases_program import RELEASES, releases_program
from stacks.releases_settings import ReleasesSettings, is_in_cluster
from tests.stacks.test_live_versions import on_trial, registered, releases

ISVC = "kubernetes:serving.kserve.io/v1beta1:InferenceService"
ROUTE = "kubernetes:networking.istio.io/v1:VirtualService"
BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
FAKES = {**fakes_kubernetes.FAKES, **fakes_stack_reference.FAKES}
BLIND: dict[str, Fake] = dict.fromkeys(FAKES, lambda _: {})
"""For previews in which even an object's namespace is unknown."""
PROVIDER = "pulumi:providers:kubernetes"


def run(folder: Path, *files: Release, config: Mapping[str, object] | None = None, preview: bool = False) -> Capture:
    """The program over exactly these release files."""
    (folder / "dev").mkdir(exist_ok=True)
    for old in (folder / "dev").iterdir():
        old.unlink()
    for release in files:
        (folder / "dev" / f"{release.endpoint}.yaml").write_text(release_text(release))
    section = {"stillhouse:releases": json.dumps(config)} if config else {}
    return capture(lambda: releases_program(folder), stack="dev-releases", config=section, fakes=FAKES, preview=preview)


def shape(resource: Resource) -> tuple[object, ...]:
    """All of a resource that an engine would act on."""
    return resource.type, resource.inputs, resource.depends_on, resource.options


def difference(before: Capture, after: Capture) -> tuple[set[str], set[str], set[str]]:
    """Types of what is new, changed and gone; a changed component only passes on what its children are."""
    old = {resource.urn: resource for resource in before.resources if resource.custom}
    new = {resource.urn: resource for resource in after.resources if resource.custom}
    changed = {urn for urn in old.keys() & new.keys() if shape(old[urn]) != shape(new[urn])}
    return (
        {new[urn].type for urn in new.keys() - old.keys()},
        {new[urn].type for urn in changed},
        {old[urn].type for urn in old.keys() - new.keys()},
    )


def split(declared: Capture) -> dict[str, int]:
    """Host -> share, of the path that scores."""
    return {part["destination"]["host"]: part["weight"] for part in by_chance(declared)[0].get("route", [])}


def by_chance(declared: Capture) -> list[dict[str, Any]]:
    """Routes that no header leads to."""
    body: Any = declared.one(ROUTE).inputs["spec"]
    return [route for route in body["http"] if "headers" not in route["match"][0]]


def _name(resource: Resource) -> str:
    metadata: Any = resource.inputs["metadata"]
    return str(metadata["name"])


@given(release=releases())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_destination_has_its_inference_service_and_the_shares_add_up(tmp_path: Path, release: Release) -> None:
    declared = run(tmp_path, release)
    hosts = {f"{_name(service)}-predictor.models.svc.cluster.local" for service in declared.of_type(ISVC)}
    assert split(declared).keys() == hosts
    assert sum(split(declared).values()) == (100 if release.stable else 0)


def test_a_change_of_weight_touches_the_route_alone(tmp_path: Path) -> None:
    before = run(tmp_path, on_trial(10))
    after = run(tmp_path, ramp(on_trial(10), weight=50).release)
    assert difference(before, after) == (set(), {ROUTE}, set())
    assert sorted(split(after).values()) == [50, 50]


def test_a_new_version_is_new_objects_and_changes_no_old_one(tmp_path: Path) -> None:
    before = run(tmp_path, promote(registered(1, 2, 3), version="v1").release)
    new, changed, gone = difference(before, run(tmp_path, on_trial(10)))
    assert ISVC in new
    assert (changed, gone) == ({ROUTE}, set())


def test_a_rollback_only_takes_away(tmp_path: Path) -> None:
    before = run(tmp_path, on_trial(10))
    after = run(tmp_path, rollback(on_trial(10)).release)
    new, changed, gone = difference(before, after)
    assert (new, changed) == (set(), {ROUTE})
    assert ISVC in gone
    assert list(split(after).values()) == [100]


def test_a_rollback_waits_for_nothing_that_is_not_ready_already(tmp_path: Path) -> None:
    """The stable version's gate is the same object as before, and an engine waits only for what it changes."""
    before, after = run(tmp_path, on_trial(10)), run(tmp_path, rollback(on_trial(10)).release)
    (kept,) = after.of_type(BUDGET)
    assert shape(before[kept.urn]) == shape(kept)


def test_other_pods_are_another_version_of_the_service(tmp_path: Path) -> None:
    first = promote(registered(1), version="v1").release
    assert first.resources is not None
    bigger = first.model_copy(update={"resources": first.resources.model_copy(update={"memory_gib": 64})})
    new, changed, gone = difference(run(tmp_path, first), run(tmp_path, bigger))
    assert ISVC in new
    assert ISVC in gone
    assert changed == {ROUTE}


def test_a_warm_version_is_waited_for_only_once_it_gets_traffic(tmp_path: Path) -> None:
    first = promote(registered(1, 2), version="v1").release
    waiting = Release.model_validate(first.model_dump(by_alias=True) | {"warm": ["v2"]})
    before, after = run(tmp_path, waiting), run(tmp_path, canary(waiting, version="v2", weight=10).release)
    assert sorted(split(before).values()) == [0, 100]
    assert len([budget for budget in before.of_type(BUDGET) if _gates(budget)]) == 1
    assert len([budget for budget in after.of_type(BUDGET) if _gates(budget)]) == 2
    assert difference(before, after) == (set(), {ROUTE, BUDGET}, set())


def _gates(budget: Resource) -> bool:
    metadata: Any = budget.inputs["metadata"]
    return "pulumi.com/waitFor" in metadata.get("annotations", {})


def test_an_endpoint_without_a_stable_version_answers_503(tmp_path: Path) -> None:
    body: Any = run(tmp_path, registered(1)).one(ROUTE).inputs["spec"]
    assert {route["directResponse"]["status"] for route in body["http"]} == {503}


def test_no_files_are_no_endpoints(tmp_path: Path) -> None:
    assert run(tmp_path).outputs == {"endpoints": {}}


def test_two_names_of_one_digest_that_become_one_are_refused(tmp_path: Path) -> None:
    long = "an-exceptionally-long-name-of-a-v"[:31]
    first = promote(registered(1), version="v1").release
    known = first.versions["v1"].model_dump()
    names = [f"{long}1", f"{long}2"]
    fields = first.model_dump(by_alias=True)
    fields["endpoint"] = "customers-that-will-leave"
    fields |= {
        "versions": dict.fromkeys(names, known),
        "warm": names[1:],
        "stable": {"version": names[0], "digest": known["digest"]},
    }
    with pytest.raises(UserError, match="are the same on a cluster"):
        run(tmp_path, Release.model_validate(fields))


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
@pytest.mark.parametrize("preview", [False, True])
def test_what_is_shipped_runs_and_says_that_it_is_an_example(environment: str, preview: bool) -> None:
    declared = capture(releases_program, stack=f"{environment}-releases", fakes=FAKES, preview=preview)
    assert sum(split(declared).values()) == 100
    assert not [
        resource.type for resource in declared.resources if resource.type.startswith(("aws:", "kubernetes:helm"))
    ]
    for file in (RELEASES / environment).glob("*.yaml"):
        assert file.read_text().startswith("# An example: no such model was trained.")


def test_a_platform_that_is_not_there_yet_leaves_its_outputs_unknown(tmp_path: Path) -> None:
    def undeployed(request: FakeRequest) -> Mapping[str, Value]:
        told: dict[str, Value] = dict.fromkeys(platform_outputs("org/stillhouse/dev"), UNKNOWN)
        return {"name": request.inputs["name"], "outputs": told, "secretOutputNames": []}

    run(tmp_path, on_trial())
    declared = capture(
        lambda: releases_program(tmp_path),
        stack="dev-releases",
        preview=True,
        fakes={**BLIND, STACK_REFERENCE: undeployed},
    )
    assert len(declared.of_type(ISVC)) == 2
    body: Any = declared.one(ROUTE).inputs["spec"]
    assert body["hosts"] == [UNKNOWN]
    assert [part["weight"] for part in by_chance(declared)[0]["route"]] == [90, 10]


def test_access_from_outside_uses_the_platforms_kubeconfig_and_keeps_it_secret(tmp_path: Path) -> None:
    declared = run(tmp_path, on_trial())
    assert isinstance(declared.one(PROVIDER).inputs["kubeconfig"], Secret)
    assert declared.one(STACK_REFERENCE).inputs["name"] == "organization/stillhouse/dev"


def test_access_from_a_pod_uses_its_own_account(tmp_path: Path) -> None:
    config = {"access": {"kind": "in_cluster"}, "platform": "acme/stillhouse/blue"}
    declared = run(tmp_path, on_trial(), config=config)
    assert "kubeconfig" not in declared.one(PROVIDER).inputs
    assert declared.one(STACK_REFERENCE).inputs["name"] == "acme/stillhouse/blue"
    assert all(PROVIDER in resource.options.provider for resource in declared.resources if resource.type == ISVC)


@pytest.mark.parametrize(
    ("kind", "variable", "has_token", "inside"),
    [
        ("auto", True, True, True),
        ("auto", True, False, False),
        ("auto", False, True, False),
        ("in_cluster", False, False, True),
        ("kubeconfig", True, True, False),
    ],
)
def test_automatic_access_knows_a_pod(tmp_path: Path, kind: str, variable: bool, has_token: bool, inside: bool) -> None:
    token = tmp_path / "token"
    if has_token:
        token.write_text("t")
    environment = {"KUBERNETES_SERVICE_HOST": "10.100.0.1"} if variable else {}
    chosen = ReleasesSettings.model_validate({"access": {"kind": kind}})
    assert is_in_cluster(chosen, environment=environment, token=token) is inside


def test_both_ways_in_lead_to_the_same_cluster(tmp_path: Path) -> None:
    """Pulumi then takes a change of access for an update of the provider, not for another cluster."""
    outside = run(tmp_path, on_trial(), config={"access": {"kind": "kubeconfig"}})
    inside = run(tmp_path, on_trial(), config={"access": {"kind": "in_cluster"}})
    names = {one.one(PROVIDER).inputs["clusterIdentifier"] for one in (outside, inside)}
    assert names == {"organization/stillhouse/dev"}


def test_patience_is_a_setting(tmp_path: Path) -> None:
    declared = run(tmp_path, on_trial(), config={"ready_within_s": 90, "request_timeout_ms": 250})
    assert {budget.options.timeouts["create"] for budget in declared.of_type(BUDGET)} == {"90s"}
    body: Any = declared.one(ROUTE).inputs["spec"]
    assert {route["timeout"] for route in body["http"]} == {"250ms"}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"acces": {"kind": "in_cluster"}},
            r"stillhouse:releases.acces: no such setting .*\n\nhint: did you mean `access`",
        ),
        (
            {"access": {"kind": "incluster"}},
            r"access.kind: not allowed \(got incluster\); allowed are: auto, kubeconfig, in_clu",
        ),
        ({"ready_within_s": 1}, r"`stacks/Pulumi.dev-releases.yaml`: stillhouse:releases.ready_within_s: .*\(got 1\)"),
    ],
)
def test_wrong_settings_are_told(tmp_path: Path, config: Mapping[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        run(tmp_path, config=config)


def test_settings_of_the_platform_have_no_place_here(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"stillhouse:tier: no such setting \(got tier\); allowed is releases"):
        capture(
            lambda: releases_program(tmp_path), stack="dev-releases", config={"stillhouse:tier": "low"}, fakes=FAKES
        )
    with pytest.raises(UserError, match=r"not a releases stack \(got `dev`\)"):
        capture(lambda: releases_program(tmp_path), stack="dev", fakes=FAKES)
