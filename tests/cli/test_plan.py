"""`stillhouse plan` in a process of its own: what it prints, how it ends, how long it takes."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_CPU_S = 5.0


def _plan(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the verb; bytecode is kept, as it is wherever the program runs twice."""
    environment = {**os.environ, "COLUMNS": "160"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", "from cli.main import main; main()", "plan", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def prod() -> str:
    """What it prints of prod."""
    done = _plan("prod", "--compare", "medium")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "words",
    [
        "resources in",
        "cluster stillhouse:cluster:Cluster",
        "bill (tier high, us-west-2, on demand)",
        "sum: fixed",
        "against the reference figures (about 4,000 to 8,000 a month, about 300 of it fixed)",
        "capacity within the latency goal",
        "system pods fit, also with one node lost (3 x m5.large)",
        "findings",
        "from high to medium",
        "changed inputs",
        "nothing contacted",
    ],
)
def test_everything_is_printed(prod: str, words: str) -> None:
    assert words in prod


def test_json_of_a_fresh_process_takes_less_than_five_seconds_of_the_processor(prod: str) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = _plan("prod", "--json")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    content = json.loads(done.stdout)
    assert prod
    assert content["stack"] == "prod"
    assert content["seconds"] > 0
    spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent_s < LIMIT_CPU_S


def test_yaml_is_written(tmp_path: Path) -> None:
    done = _plan("dev-releases", "--yaml", str(tmp_path / "objects"))
    assert done.returncode == 0, done.stderr
    assert any("inferenceservice" in path.name for path in (tmp_path / "objects").iterdir())


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (("prd",), "no such stack (got prd); there are: dev,", "did you mean `prod`?"),
        (("prod", "--compare", "hihg"), "no such tier (got hihg); there are: low, medium, high", "`high`"),
        (("prod-releases", "--compare", "low"), "--compare: a releases stack has no tier", "platform"),
    ],
)
def test_a_mistake_ends_with_status_1_and_a_hint(arguments: tuple[str, ...], error: str, hint: str) -> None:
    done = _plan(*arguments)
    assert done.returncode == 1
    assert f"error: {error}" in done.stderr
    assert hint in done.stderr.rpartition("hint:")[2]
    assert "Traceback" not in done.stderr


def test_a_mandatory_finding_ends_with_status_1(tmp_path: Path) -> None:
    """A stack file whose system nodes cannot hold the system pods."""
    program = (
        "import sys; from pathlib import Path; import stacks.plan.plan as plan; "
        "made = plan.make_plan('dev', folder=Path(sys.argv.pop())); "
        "plan.make_plan = lambda stack, tier=None: made; "
        "from cli.main import main; main()"
    )
    text = (ROOT / "stacks" / "Pulumi.dev.yaml").read_text()
    (tmp_path / "Pulumi.dev.yaml").write_text(text + "  stillhouse:nodes: {system: {count: 1}}\n")
    command = [sys.executable, "-c", program, "plan", "dev", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "system-pods-fit" in done.stdout
