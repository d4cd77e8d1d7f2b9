"""The verbs of `stillhouse release` on a real git repository: what they say, what they commit, what they leave."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from model.errors import UserError
from serving.judge.record import judged, record_text
from serving.release import Release
from serving.release_change import Change
from serving.release_repository import commit_change, history, read_head
from serving.release_verbs import canary, promote, register
from tests.serving.evidence_samples import counted, planned
from tests.serving.test_release_verbs import NOW, digest


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    subprocess.run(["git", "init", "--quiet", "-b", "main", str(tmp_path)], check=True)
    path = file(tmp_path)
    for number in (1, 2, 3):
        commit_change(path, known(number))
    commit_change(path, lambda release: promote(release, version="v1", now=NOW))
    return tmp_path


def known(number: int) -> partial[Change]:
    return partial(register, version=f"v{number}", digest=digest(number), uri=f"runs/v{number}", registered=NOW)


def file(root: Path, environment: str = "dev") -> Path:
    return root / "stacks" / "releases" / environment / "churn.yaml"


def say(root: Path, *arguments: str) -> str:
    """What a verb prints for people."""
    shared = [] if arguments[0] == "promote-env" else ["--env", "dev"]
    options = [*shared, "--endpoint", "churn", "--repo", str(root), "--run", str(root / "run")]
    done = CliRunner().invoke(app, ["release", *arguments, *options])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def tell(root: Path, *arguments: str) -> Any:
    """What it prints for machines."""
    return json.loads(say(root, *arguments, "--json"))


def subjects(root: Path) -> list[str]:
    return [entry.subject.removeprefix("release(churn): ") for entry in history(file(root))]


def test_a_canary_without_a_plan_begins_with_a_tenth(root: Path) -> None:
    told = tell(root, "canary", "v2")
    assert (told["verb"], told["reason"]) == ("canary", "canary v2 at 10 %")
    assert told["release"]["candidate"]["weight"] == 10
    assert history(file(root))[0].commit == told["commit"]
    candidate = read_head(file(root)).candidate
    assert candidate is not None
    assert candidate.since is not None
    assert datetime.now(UTC) - candidate.since < timedelta(minutes=5)


def test_held_and_let_go_by_name(root: Path) -> None:
    say(root, "canary", "v2")
    assert "held by ada for 0 s: sale" in say(root, "hold", "--owner", "ada", "--reason", "sale")
    with pytest.raises(UserError, match=r"held by ada .* \(got promote\)"):
        say(root, "promote", "v2")
    assert "held by ada" in say(root, "status")
    say(root, "unhold", "--by", "bob")
    assert "v2 is provisional for 0 s; v1 waits without traffic" in say(root, "promote", "v2")
    assert "bob" in say(root, "history")


def test_taken_back_and_cleared_by_name(root: Path) -> None:
    say(root, "canary", "v2")
    say(root, "promote", "v2")
    with pytest.raises(UserError, match="`rollback v2` takes back its promotion, to v1"):
        say(root, "rollback")
    assert "rejected v2" in say(root, "rollback", "v2", "--reason", "labels")
    with pytest.raises(UserError, match="was rejected"):
        say(root, "canary", "v2")
    say(root, "clear", "v2", "--by", "ada", "--reason", "a broken node")
    assert tell(root, "canary", "v2")["release"]["candidate"]["version"] == "v2"


def test_compared_and_shadowed(root: Path) -> None:
    told = tell(root, "ab", "v2", "--header", "X-Stillhouse-Version=v2", "--role", "tester")
    (rule,) = told["release"]["candidate"]["match"]
    assert (rule["header"], rule["value"], rule["role"]) == ("x-stillhouse-version", "v2", "tester")
    assert tell(root, "ab", "v2", "--salt", "s", "--share", "20")["release"]["candidate"]["weight"] == 20
    assert tell(root, "ab", "--off")["release"]["candidate"]["match"] == []
    assert tell(root, "shadow", "v3", "--percent", "20")["release"]["shadow"]["percent"] == 20
    assert tell(root, "shadow", "--off")["release"]["shadow"] is None
    for wrong in (("shadow",), ("ab",), ("ab", "v2", "--header", "nothing")):
        with pytest.raises(UserError, match=r"which version\?|not NAME=VALUE"):
            say(root, *wrong)


def conducted(root: Path, errors: int = 0) -> Path:
    """The evidence file of v2's only step, which began half an hour ago; the plan has this one step."""
    begun = datetime.now(UTC) - timedelta(minutes=30)

    def planned_trial(release: Release) -> Change:
        whole = planned(release)
        assert whole.plan is not None
        plan = whole.plan.model_copy(update={"steps": whole.plan.steps[:1]})
        return canary(whole.model_copy(update={"plan": plan}), version="v2", now=begun)

    release = commit_change(file(root), planned_trial).change.release
    step = release.step()
    assert release.plan is not None
    assert step is not None
    evidence = counted(release, minutes=28, per_minute=1000, candidate_errors=errors)
    place = root / "evidence.json"
    place.write_text(record_text(judged(evidence, release.plan, step)))
    return place


def test_evidence_promotes_and_goes_along_to_the_next_environment(root: Path) -> None:
    evidence = conducted(root)
    preview = tell(root, "advance", "--evidence", str(evidence), "--dry-run")
    assert preview["verdict"] == "advance"
    told = tell(root, "advance", "--evidence", str(evidence))
    assert told["reason"].startswith("promote v2 in place of v1: ")
    assert told["evidence"] == preview["evidence"]
    stored = file(root).parent / "evidence" / f"{told['evidence'].removeprefix('sha256:')}.json"
    assert stored.read_text() == evidence.read_text()
    story = say(root, "history")
    assert "v2: promoted after" in story
    assert f"[evidence {told['evidence'].removeprefix('sha256:')[:12]}]" in story
    there = tell(root, "promote-env", "dev", "staging")
    (proof,) = there["release"]["versions"]["v2"]["proven"]
    assert (proof["evidence"], proof["environment"]) == (told["evidence"], "dev")
    assert there["release"]["versions"]["v2"]["digest"] == digest(2)
    assert "known from dev already" in say(root, "promote-env", "dev", "staging")


def test_evidence_rolls_back(root: Path) -> None:
    evidence = conducted(root, errors=20)
    assert "ROLLBACK: roll back v2 from 10 %" in say(root, "advance", "--evidence", str(evidence))
    assert read_head(file(root)).is_rejected(digest(2))


def test_what_no_evidence_promoted_goes_nowhere(root: Path) -> None:
    with pytest.raises(UserError, match="dev: evidence: v1 has none of a promotion there"):
        say(root, "promote-env", "dev", "staging")
    with pytest.raises(UserError, match="two environments"):
        say(root, "promote-env", "dev", "dev")
    with pytest.raises(UserError, match="no release file at"):
        say(root, "promote-env", "prod", "staging")
    assert not file(root, "staging").exists()


def test_evidence_that_is_lost_goes_nowhere(root: Path) -> None:
    say(root, "advance", "--evidence", str(conducted(root)))
    me = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
    for command in (["rm", "-rq", "stacks/releases/dev/evidence"], ["commit", "-qm", "tidy up"]):
        subprocess.run(["git", "-C", str(root), *me, *command], check=True)
    with pytest.raises(UserError, match="evidence is not in HEAD"):
        say(root, "promote-env", "dev", "staging")


def test_a_promotion_is_confirmed_by_a_person_or_by_labels(root: Path) -> None:
    say(root, "canary", "v2")
    say(root, "promote", "v2")
    for neither in ((), ("--by", "ada", "--labels", "l.csv")):
        with pytest.raises(UserError, match="by labels or by a person"):
            say(root, "verify", *neither)
    with pytest.raises(UserError, match="verification: the file does not say how labels decide"):
        say(root, "verify", "--labels", "l.csv")
    told = tell(root, "verify", "--by", "ada", "--reason", "labels come in spring")
    assert told["release"]["previous"] is None
    assert history(file(root))[0].trailers["By"] == "ada"
