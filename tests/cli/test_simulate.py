"""`stillhouse release simulate`: the names that machines read, a release file's own plan, and what is refused."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from model.errors import UserError

PLAN = (
    "steps: [{weight: 20, min_samples: 100, min_minutes: 2, max_minutes: 20}]\n"
    "metrics: [{name: failures, margin: 0.02}]\n"
)


def simulate(*arguments: str) -> str:
    outcome = CliRunner().invoke(app, ["release", "simulate", "--rollouts", "200", *arguments])
    if isinstance(outcome.exception, UserError):
        raise outcome.exception
    assert outcome.exit_code == 0, outcome.exception
    return outcome.stdout


def test_figures_have_stable_names_and_repeat_themselves(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN)
    first, again = (json.loads(simulate("--json", "--plan", str(path))) for _ in range(2))
    assert first == again
    assert (first["requests_per_second"], first["seed"]) == (50, 1)
    figures = first["simulation"]
    assert (figures["aa_rollouts"], figures["alpha"]) == (200, 0.01)
    assert figures["aa_false_rollbacks"] <= 6
    assert figures["caught_5_percent_looks_median"] <= 3
    # The plan has no metric of latency, and so sees nothing of it.
    assert figures["tail_power"] < 0.05
    assert len(first["reference"]["looks"]) == 7


def test_a_release_file_brings_its_plan_and_its_rate(tmp_path: Path) -> None:
    path = tmp_path / "online-model.yaml"
    indented = "".join(f"  {line}\n" for line in PLAN.splitlines())
    path.write_text(
        f"schema: stillhouse.release/v1\nendpoint: online-model\nexpected_rate_per_second: 20\nplan:\n{indented}"
    )
    said = simulate("--plan", str(path))
    assert "at 20 requests a second" in said
    assert "beyond p99, e-value" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rollouts", "10"], "--rollouts"),
        (["--requests-per-second", "0"], "--requests-per-second"),
        (["--error-rate", "0.5"], "--error-rate"),
        (["--plan", "nowhere.yaml"], "cannot read the plan"),
    ],
)
def test_what_cannot_be_simulated_is_refused(arguments: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        simulate(*arguments)


def test_a_release_file_without_a_plan_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "online-model.yaml"
    path.write_text("schema: stillhouse.release/v1\nendpoint: online-model\n")
    with pytest.raises(UserError, match="plan: there is none"):
        simulate("--plan", str(path))
