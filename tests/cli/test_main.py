"""How verbs speak: help with an example, documents for machines, errors in our form, and interrupts."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
import typer.main
from typer.testing import CliRunner

from cli.main import app

ROOT = Path(__file__).parents[2]
STILLHOUSE = [sys.executable, "-c", "from cli.main import main; main()"]


def stillhouse(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*STILLHOUSE, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def leaf_verbs() -> list[tuple[str, ...]]:
    """Every verb, `twin up` as ("twin", "up")."""
    command = typer.main.get_command(app)
    found: list[tuple[str, ...]] = []
    for name, child in getattr(command, "commands", {}).items():
        grandchildren = getattr(child, "commands", None)
        found += [(name, inner) for inner in grandchildren] if grandchildren else [(name,)]
    return found


def test_all_steps_of_the_line_are_verbs() -> None:
    wanted = [
        "generate",
        "check",
        "query",
        "train",
        "distill",
        "embed",
        "export",
        "evaluate",
        "twin",
        "release",
        "predict",
        "load",
        "demo",
    ]
    assert set(wanted) <= {verb[0] for verb in leaf_verbs()}
    releases = {verb[1] for verb in leaf_verbs() if verb[0] == "release"}
    assert {"canary", "ramp", "promote", "rollback", "status"} <= releases


@pytest.mark.parametrize("verb", leaf_verbs(), ids=" ".join)
def test_help_has_an_example_and_every_verb_speaks_json(verb: tuple[str, ...]) -> None:
    outcome = CliRunner().invoke(app, [*verb, "--help"])
    assert outcome.exit_code == 0
    assert "Example:" in outcome.output
    assert "--json" in outcome.output


def test_the_documented_verbs_are_the_verbs() -> None:
    command = [sys.executable, "-m", "typer", "cli.main", "utils", "docs", "--name", "stillhouse"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert made.strip() == (ROOT / "docs" / "cli.md").read_text().strip(), "run `make docs`"


def test_a_users_mistake_has_a_message_and_a_hint(tmp_path: Path) -> None:
    done = stillhouse("generate", "--preset", "huge", "--run", str(tmp_path))
    assert done.returncode == 1
    assert done.stdout == ""
    assert "error: no such preset (got `huge`)" in done.stderr
    assert "hint: one of tiny, demo, hm" in done.stderr


def test_json_is_one_document_on_stdout(tmp_path: Path) -> None:
    done = stillhouse("generate", "--preset", "tiny", "--run", str(tmp_path), "--json")
    document = json.loads(done.stdout)
    assert document["digest"].startswith("sha256:")
    assert document["metrics"]["num_transactions"] > 5_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "--tables", "nowhere"), "nowhere"),
        (("train",), "no training_table artifact"),
        (("export", "v1"), "no graph artifact"),
        (("predict", "1"), "twin"),
        (("twin", "status"), "twin"),
        (("release", "canary", "v2"), "stable"),
        (("release", "status"), "no release file"),
        (("release", "status", "--env", "foo"), "no such environment (got `foo`)"),
        (("release", "history", "--endpoint", "../x"), "not an endpoint's name"),
        (("export", "../../evil"), "not a version's name"),
        (("query", "PREDICT a.b FOR EACH a.c"), "no graph artifact"),
        (("release", "register", "v1"), "no triton_repository artifact"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_step_without_its_input_says_what_is_missing(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = stillhouse(*arguments, "--run", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupted_step_leaves_what_stood_before(tmp_path: Path) -> None:
    assert stillhouse("generate", "--preset", "tiny", "--run", str(tmp_path)).returncode == 0
    manifest = (tmp_path / "tables" / "manifest.json").read_text()
    arguments = ["generate", "--preset", "hm", "--run", str(tmp_path)]
    # A test run in the background has SIGINT ignored, and children inherit that.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); " + STILLHOUSE[2]
    child = subprocess.Popen([*STILLHOUSE[:2], heeding, *arguments], cwd=ROOT, stderr=subprocess.DEVNULL)
    while not list(tmp_path.glob(".tables.*/transactions.parquet")):
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=60) == 130
    assert (tmp_path / "tables" / "manifest.json").read_text() == manifest
    assert [entry.name for entry in tmp_path.iterdir()] == ["tables"]
