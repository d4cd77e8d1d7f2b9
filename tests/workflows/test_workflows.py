"""The workflows: short-lived credentials, the least permissions, pinned actions, one update of a stack at a time."""

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.applied_by_ci import ENVIRONMENTS, KINDS

ROOT = Path(__file__).parents[2]
WORKFLOWS = {path.stem: path for path in (ROOT / ".github" / "workflows").glob("*.yml")}
OWN = sorted((ROOT / ".github").rglob("*.yml"))
SUFFIX = {"platform": "", "releases": "-releases"}


def read(name: str) -> dict[Any, Any]:
    """PyYAML reads the key `on` as true."""
    parsed: dict[Any, Any] = yaml.safe_load(WORKFLOWS[name].read_text())
    return parsed


def steps(job: dict[str, Any], action: str) -> list[dict[str, Any]]:
    return [step["with"] for step in job["steps"] if step.get("uses", "").startswith(f"{action}@")]


def test_there_is_one_workflow_for_each_layer_and_one_for_the_tests_that_take_long() -> None:
    assert WORKFLOWS.keys() == {*KINDS, "cluster"}


def test_the_tests_that_take_long_run_by_themselves_and_read_only() -> None:
    workflow = read("cluster")
    assert [entry.keys() for entry in workflow[True]["schedule"]] == [{"cron"}]
    assert workflow["permissions"] == {}
    (job,) = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "read"}
    assert steps(job, "actions/checkout") == [{"persist-credentials": False}]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make test-cluster"]


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_every_action_of_others_is_pinned_by_commit_and_named_by_version(path: Path) -> None:
    uses = re.findall(r"uses: (.*)", path.read_text())
    assert uses
    others = [line for line in uses if not line.startswith("./")]
    assert others
    assert [line for line in others if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
    local = [line for line in uses if line.startswith("./")]
    assert [line for line in local if not (ROOT / line / "action.yml").is_file()] == []


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_no_key_that_lives_long_is_used(path: Path) -> None:
    text = path.read_text()
    assert "secrets." not in text
    assert not re.search(r"access-key|ACCESS_KEY|ACCESS_TOKEN|PASSPHRASE", text)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_jobs_have_the_least_permissions(name: str) -> None:
    workflow = read(name)
    assert workflow["permissions"] == {}
    given = {job: body["permissions"] for job, body in workflow["jobs"].items()}
    assert given == {
        "preview": {"contents": "read", "id-token": "write", "pull-requests": "write"},
        "targets": {"contents": "read"},
        "up": {"contents": "read", "id-token": "write"},
    }
    checkouts = [step for job in workflow["jobs"].values() for step in steps(job, "actions/checkout")]
    assert checkouts == [{"persist-credentials": False}] * 3


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_pull_request_previews_with_rights_of_its_own_and_a_forks_does_not(name: str) -> None:
    workflow, stack = read(name), f"${{{{ matrix.environment }}}}{SUFFIX[name]}"
    job = workflow["jobs"]["preview"]
    assert "github.event.pull_request.head.repo.full_name == github.repository" in job["if"]
    assert job["environment"] == f"{stack}-preview"
    assert job["strategy"]["matrix"]["environment"] == list(ENVIRONMENTS)
    (credentials,) = steps(job, "aws-actions/configure-aws-credentials")
    assert credentials["role-to-assume"] == "${{ vars.AWS_ROLE_ARN }}"
    (pulumi,) = steps(job, "pulumi/actions")
    assert (pulumi["command"], pulumi["stack-name"]) == ("preview", stack)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_merge_updates_one_stack_at_a_time_and_never_breaks_one_off(name: str) -> None:
    workflow, stack = read(name), f"${{{{ matrix.environment }}}}{SUFFIX[name]}"
    assert workflow[True]["push"]["branches"] == ["main"]
    assert "github.ref == 'refs/heads/main'" in workflow["jobs"]["targets"]["if"]
    job = workflow["jobs"]["up"]
    assert (job["needs"], job["environment"]) == ("targets", stack)
    assert job["concurrency"] == {"group": f"up-{stack}", "cancel-in-progress": False}
    (pulumi,) = steps(job, "pulumi/actions")
    assert (pulumi["command"], pulumi["stack-name"]) == ("up", stack)
    assert f"stacks.applied_by_ci {name}" in workflow["jobs"]["targets"]["steps"][-1]["run"]


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_update_is_judged_by_the_policies_with_the_sdks_own_engine(name: str) -> None:
    workflow = read(name)
    assert workflow["env"]["PULUMI_VERSION"] == version("pulumi")
    for job in ("preview", "up"):
        (pulumi,) = steps(workflow["jobs"][job], "pulumi/actions")
        assert (ROOT / pulumi["policyPacks"] / "PulumiPolicy.yaml").is_file()
        assert pulumi["pulumi-version"] == "${{ env.PULUMI_VERSION }}"


def test_the_platform_goes_through_the_environments_in_order() -> None:
    assert read("platform")["jobs"]["up"]["strategy"]["max-parallel"] == 1
    assert read("platform")["jobs"]["up"]["strategy"]["fail-fast"] is True
    assert read("releases")["jobs"]["up"]["strategy"]["fail-fast"] is False


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_paths_that_start_it_are_there(name: str) -> None:
    paths = read(name)[True]["push"]["paths"]
    assert paths == read(name)[True]["pull_request"]["paths"]
    assert [path for path in paths if not list(ROOT.glob(path.removeprefix("!")))] == []


def test_a_release_file_starts_the_releases_alone() -> None:
    assert "stacks/releases/**" in read("releases")[True]["push"]["paths"]
    assert "!stacks/releases/**" in read("platform")[True]["push"]["paths"]


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_stack_has_its_file(name: str) -> None:
    assert [
        stack for stack in ENVIRONMENTS if not (ROOT / "stacks" / f"Pulumi.{stack}{SUFFIX[name]}.yaml").is_file()
    ] == []
