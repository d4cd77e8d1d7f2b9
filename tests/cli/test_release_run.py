"""`stillhouse release run`: what it refuses, what it shows, and the status that it ends with."""

from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli.main import app
from cli.release_run import EXIT_STATUS, picture
from model.errors import UserError
from serving.conductor.action import Action, End, Outcome, Wait, Write
from serving.conductor.conducting import Pass
from serving.conductor.plane import Served
from serving.judge.record import judged
from serving.release_verbs_evidence import advance
from serving.release_weigh import weigh
from tests.serving.conductor.test_deciding import BEGUN, on_trial
from tests.serving.evidence_samples import PLAN, counted


def seen(action: Action | None = None) -> Pass:
    release = on_trial()
    now = BEGUN + timedelta(minutes=10)
    evidence = counted(release, minutes=10, per_minute=2000, candidate_errors=0)
    weighed = weigh(judged(evidence, PLAN, PLAN.steps[0]))
    action = action or Write(change=advance(release, weighed=weighed, now=now))
    served = Served(weights=release.weights(), revision="f" * 40)
    return Pass(when=now, release=release, served=served, weighed=weighed, action=action)


def shown(done: Pass) -> str:
    console = Console(width=160, file=StringIO())
    with console.capture() as captured:
        console.print(picture(done))
    return captured.get()


def test_the_view_tells_steps_shares_the_verdict_and_what_is_done() -> None:
    text = shown(seen())
    assert "> 1" in text
    assert "10 %" in text
    assert "serving  v1 90 %, v2 10 %" in text
    assert "candidate: asked 10.0 %, observed 10.0 %; 2,000 and 18,000 requests in 10.0 min" in text
    assert "ADVANCE  failures: candidate 0.00 % (0 of 2,000), stable 0.00 % (0 of 18,000)" in text
    assert "advance  ramp v2 from 10 % to 50 %" in text


def test_the_view_does_without_what_is_not_known() -> None:
    blind = replace(
        seen(Wait(reason="`churn.yaml` is not YAML")), release=None, weighed=None, served=Served(weights={})
    )
    text = shown(blind)
    assert "serving  nothing" in text
    assert "wait  `churn.yaml` is not YAML" in text


def test_every_end_has_a_status_and_only_good_ones_are_0() -> None:
    assert set(EXIT_STATUS) == set(Outcome)
    good = {outcome for outcome, status in EXIT_STATUS.items() if status == 0}
    assert good == {Outcome.PROMOTED, Outcome.STEPPED}
    ended = seen(End(outcome=Outcome.HELD, reason="held by ada: sale"))
    assert "held  held by ada: sale" in shown(ended)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], r"no release file at `.*churn.yaml`"),
        (["--until", "sometime"], r"--until: no such end \(got `sometime`\)"),
    ],
)
def test_what_cannot_be_conducted_is_refused(tmp_path: Path, arguments: list[str], words: str) -> None:
    options = ["--endpoint", "churn", "--run", str(tmp_path), *arguments]
    done = CliRunner().invoke(app, ["release", "run", *options])
    assert isinstance(done.exception, UserError)
    assert done.exception.hint
    with pytest.raises(UserError, match=words):
        raise done.exception


def test_without_a_twin_there_is_nothing_that_could_follow(tmp_path: Path) -> None:
    runner, options = CliRunner(), ["--endpoint", "churn", "--run", str(tmp_path)]
    path = tmp_path / "releases/stacks/releases/dev/churn.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("schema: stillhouse.release/v1\nendpoint: churn\n")
    done = runner.invoke(app, ["release", "run", *options])
    assert isinstance(done.exception, UserError)
    assert "is not up" in str(done.exception)
