"""A tour of every verb of `release`: what a dry run tells, as words and as JSON, is what the verb then does."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli import release as verbs
from cli.main import app
from model.run_folder import RunFolder
from serving.release_repository import commit_change, history, read_head
from serving.release_verbs import canary
from tests.cli.test_release import conducted, file, root
from tests.serving.fake_repository import write_repository

__all__ = ["root"]

TRIAL = (("canary", "v2"),)
TOUR: tuple[tuple[tuple[tuple[str, ...], ...], tuple[str, ...]], ...] = (
    ((), ("register", "v9")),
    ((), ("canary", "v2", "--weight", "5")),
    (TRIAL, ("ramp", "--weight", "50")),
    (TRIAL, ("promote", "v2")),
    (TRIAL, ("rollback", "--reason", "errors")),
    (TRIAL, ("shadow", "v3")),
    (TRIAL, ("ab", "v2", "--salt", "november")),
    (TRIAL, ("hold", "--owner", "ada", "--reason", "sale")),
    ((*TRIAL, ("hold", "--owner", "ada", "--reason", "sale")), ("unhold", "--by", "bob")),
    ((*TRIAL, ("rollback",)), ("clear", "v2", "--by", "ada", "--reason", "a broken node")),
    ((*TRIAL, ("promote", "v2")), ("verify", "--by", "ada", "--reason", "labels come in spring")),
    ((), ("advance", "--evidence", "EVIDENCE")),
    ((("advance", "--evidence", "EVIDENCE"),), ("promote-env", "dev", "staging")),
)
"""(what came before, the verb), each verb that changes a file once."""
READING = {"status", "history", "run", "simulate"}
"""They change no file by themselves: `run` commits what `advance` would."""


def call(root: Path, *words: str) -> str:
    shared = [] if words[0] == "promote-env" else ["--env", "dev"]
    options = [*shared, "--endpoint", "churn", "--repo", str(root), "--run", str(root / "run")]
    done = CliRunner().invoke(app, ["release", *words, *options])
    assert done.exception is None, (words, done.exception)
    return done.output


def test_the_tour_goes_by_every_verb() -> None:
    group = typer.main.get_group(verbs.app)
    assert {verb[0] for _, verb in TOUR} | READING == set(group.commands)
    has_dry_run = {
        name for name, command in group.commands.items() if any("--dry-run" in one.opts for one in command.params)
    }
    assert has_dry_run == {verb[0] for _, verb in TOUR}
    assert all(any("--json" in one.opts for one in command.params) for command in group.commands.values())


@pytest.mark.parametrize(("before", "verb"), TOUR, ids=[verb[0] for _, verb in TOUR])
def test_a_dry_run_changes_nothing_and_tells_what_the_verb_then_does(
    root: Path, before: tuple[tuple[str, ...], ...], verb: tuple[str, ...]
) -> None:
    write_repository(RunFolder(root / "run").repository("v9"))
    evidence = str(conducted(root)) if "EVIDENCE" in str((before, verb)) else ""
    for earlier in before:
        call(root, *(word.replace("EVIDENCE", evidence) for word in earlier))
    verb = tuple(word.replace("EVIDENCE", evidence) for word in verb)
    place = file(root, "staging" if verb[0] == "promote-env" else "dev")
    committed, text = history(place), place.read_text() if place.exists() else None
    words, told = call(root, *verb, "--dry-run"), json.loads(call(root, *verb, "--dry-run", "--json"))
    assert told["commit"] is None
    assert told["message"].splitlines()[0] in words
    assert f"+++ b/{place.relative_to(root)}" in words
    assert (history(place), place.read_text() if place.exists() else None) == (committed, text)
    done: dict[str, Any] = json.loads(call(root, *verb, "--json"))
    newest = history(place)[0]
    assert (newest.commit, newest.trailers["Verb"]) == (done["commit"], told["verb"])
    assert done["reason"] in told["message"]
    assert len(history(place)) == len(committed) + 1


@pytest.mark.parametrize("verb", ["status", "history"])
def test_what_only_reads_says_the_same_to_people_and_machines(root: Path, verb: str) -> None:
    then = datetime.now(UTC) - timedelta(minutes=1)
    commit_change(file(root), lambda release: canary(release, version="v2", weight=10, now=then))
    assert "v2" in call(root, verb)
    assert "v2" in json.dumps(json.loads(call(root, verb, "--json")))
    assert read_head(file(root)).weights() == {"v1": 90, "v2": 10}
