"""The conductor over both stacks: the platform's place for it, and one for each endpoint with a plan."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from cli.main import app
from infra.policies.catalogue import judge, review
from serving.release import Release
from stacks.capture.judged import judged
from stacks.capture.run import Capture, capture
from stacks.capture.values import Secret, reveal
from stacks.programs import program_of, stack_file
from stacks.scan.checkov import scan
from stacks.settings.stack_config import config_of_file
from stacks.system_pods import system_pods_of
from tests.infra.in_cluster import body
from tests.stacks.plan.shipped import planned as shipped
from tests.stacks.test_live_versions import on_trial
from tests.stacks.test_releases_program import run

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
CONDUCTOR = {
    "image": "registry.example/stillhouse@sha256:" + "c" * 64,
    "repository": "https://git.example/stillhouse.git",
}
TOKEN = "token-of-the-test"
PLAN: dict[str, Any] = {"steps": [{"weight": 10, "min_samples": 1, "min_minutes": 0, "max_minutes": 60}]}


def planned() -> Release:
    fields = on_trial(10).model_dump(by_alias=True) | {"plan": PLAN, "expected_rate_per_second": 100.0}
    return Release.model_validate(fields)


@cache
def platform(stack: str, *, conductors: int = 3, preview: bool = False) -> Capture:
    """A shipped platform with a place for conductors."""
    config = config_of_file(stack_file(stack))
    gitops: Any = config.values["stillhouse:gitops"]
    asked, secret = dict(gitops) | {"conductors": conductors}, "stillhouse:conductor_token"
    return capture(
        program_of(stack),
        stack=stack,
        config={**config.as_pulumi(), "stillhouse:gitops": json.dumps(asked), secret: TOKEN},
        secrets=frozenset({secret}),
        preview=preview,
    )


def test_without_a_setting_nobody_conducts(tmp_path: Path) -> None:
    assert not run(tmp_path, planned()).of_type(DEPLOYMENT)


def test_an_endpoint_with_a_plan_is_conducted_by_the_platforms_words(tmp_path: Path) -> None:
    declared = run(tmp_path, planned(), config={"conductor": CONDUCTOR})
    (deployment,) = (body(one) for one in declared.of_type(DEPLOYMENT))
    assert deployment["metadata"]["namespace"] == "conductor"
    words = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    told = dict(zip(words[3::2], words[4::2], strict=True))
    assert told["--prometheus"] == "http://prometheus.observability.svc.cluster.local:9090"
    assert (told["--namespace"], told["--gateway-namespace"]) == ("models", "edge")


def test_an_endpoint_without_a_plan_has_nothing_to_conduct(tmp_path: Path) -> None:
    assert not run(tmp_path, on_trial(10), config={"conductor": CONDUCTOR}).of_type(DEPLOYMENT)


def test_stillhouse_understands_every_word_that_it_is_started_with(tmp_path: Path) -> None:
    declared = run(tmp_path, planned(), config={"conductor": CONDUCTOR})
    words = body(declared.one(DEPLOYMENT))["spec"]["template"]["spec"]["containers"][0]["args"]
    assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0
    assert CliRunner().invoke(app, [*words, "--nonsense", "--help"]).exit_code == 2, "help does not hide a wrong word"


@pytest.mark.parametrize("preview", [False, True])
def test_the_conductor_keeps_every_rule(tmp_path: Path, preview: bool) -> None:
    declared = run(tmp_path, planned(), config={"conductor": CONDUCTOR}, preview=preview)
    assert declared.of_type(DEPLOYMENT)
    assert judge([judged(one) for one in declared.resources]) == []


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_platform_has_a_place_and_keeps_every_rule(stack: str) -> None:
    declared = platform(stack)
    assert reveal(declared.outputs["conductor_namespace"]) == "conductor"
    found = review([judged(one) for one in declared.resources])
    assert {finding.rule for finding in found.findings} <= {
        finding.rule for finding in review([judged(one) for one in shipped(stack).capture.resources]).findings
    }
    assert found.undecided == ()
    assert platform(stack, preview=True).outputs.keys() == declared.outputs.keys()


def test_prometheus_is_asked_by_who_is_there() -> None:
    assert _askers(platform("dev")) == ["keda", "conductor"]
    assert _askers(shipped("dev").capture) == ["keda"]


def _askers(declared: Capture) -> list[str]:
    policies = [body(one) for one in declared.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")]
    (queries,) = [one for one in policies if one["metadata"]["name"] == "queries"]
    peers = queries["spec"]["ingress"][0]["from"]
    return [peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in peers]


def test_a_scanner_finds_nothing(tmp_path: Path) -> None:
    """The conductor with the namespace around it, by checks that are not ours."""
    (tmp_path / "releases").mkdir()
    declared = run(tmp_path / "releases", planned(), config={"conductor": CONDUCTOR}).of_type(DEPLOYMENT)
    around = [one for one in platform("dev").resources if one.custom and one.name.startswith("conductors-")]
    objects = [json.loads(json.dumps(body(one))) for one in (*declared, *around)]
    assert {one["kind"] for one in objects} == {"Deployment", "Namespace", "NetworkPolicy", "ServiceAccount", "Secret"}
    folder = tmp_path / "objects"
    folder.mkdir()
    # What is in a Secret is a scanner's first complaint about a file; here it comes from an encrypted setting.
    shown = [one for one in objects if one["kind"] != "Secret"]
    (folder / "all.yaml").write_text(yaml.safe_dump_all(shown))
    found = scan(folder)
    assert found.num_passed > len(shown)
    assert found.failures == ()


def test_whoever_applies_releases_may_change_conductors_and_nothing_else_there() -> None:
    declared = platform("prod")
    roles = [body(one) for one in declared.of_type("kubernetes:rbac.authorization.k8s.io/v1:Role")]
    here = [role for role in roles if role["metadata"]["namespace"] == "conductor"]
    assert len(here) == 2, "the operator and the workflow"
    for role in here:
        (rule,) = role["rules"]
        assert (rule["apiGroups"], rule["resources"]) == (["apps"], ["deployments"])


def test_conductors_count_among_the_pods_that_must_fit() -> None:
    asked = {one.name: one for one in system_pods_of(platform("dev").outputs) or ()}
    assert asked["conductor"].count == 3


def test_the_token_is_a_secret_everywhere() -> None:
    declared = platform("dev")
    assert TOKEN not in repr(declared.resources)
    secret: Any = declared.one("kubernetes:core/v1:Secret", "conductors-token").inputs["stringData"]
    assert isinstance(secret, Secret) or isinstance(secret["token"], Secret)
