"""Evidence files: a real judge's verdict on real counts moves a release, and one that was edited does not."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from model.errors import UserError
from serving.judge.record import judged
from serving.judge.verdict import Verdict
from serving.release import Release
from serving.release_evidence import Weighed
from serving.release_verbs import canary, promote
from serving.release_verbs_evidence import advance
from serving.release_weigh import read_weighed, weigh, weighed_then
from tests.serving.evidence_samples import counted, planned
from tests.serving.test_release_verbs import NOW, with_versions


def trial() -> Release:
    return canary(planned(promote(with_versions(1, 2, 3), version="v1").release), version="v2", now=NOW).release


def judge(candidate_errors: int, minutes: int = 20) -> Weighed:
    release = trial()
    step = release.step()
    assert release.plan is not None
    assert step is not None
    evidence = counted(release, minutes=minutes, per_minute=1000, candidate_errors=candidate_errors)
    return weigh(judged(evidence, release.plan, step))


@pytest.mark.parametrize(
    ("candidate_errors", "minutes", "verdict", "weights"),
    [
        (0, 20, Verdict.ADVANCE, {"v1": 50, "v2": 50}),
        (30, 20, Verdict.ROLLBACK, {"v1": 100}),
        (0, 0, Verdict.NO_DATA, {"v1": 90, "v2": 10}),
    ],
)
def test_counts_become_a_verdict_and_the_verdict_a_change(
    tmp_path: Path, candidate_errors: int, minutes: int, verdict: Verdict, weights: dict[str, int]
) -> None:
    weighed = judge(candidate_errors, minutes)
    assert weighed.judgement.verdict is verdict
    (tmp_path / "evidence.json").write_text(weighed.file.text)
    read = read_weighed(tmp_path / "evidence.json")
    assert read == weighed
    change = advance(trial(), weighed=read, now=NOW + timedelta(minutes=20))
    assert change.release.weights() == weights


def test_a_verdict_that_its_counts_do_not_bear_is_refused(tmp_path: Path) -> None:
    document = json.loads(judge(30).file.text)
    document["judgement"]["verdict"] = "advance"
    (tmp_path / "evidence.json").write_text(json.dumps(document))
    with pytest.raises(UserError, match=r"judgement: its counts say rollback: .* \(got advance\)\n\nhint: evidence is"):
        read_weighed(tmp_path / "evidence.json")


def test_what_is_stored_keeps_the_verdict_of_its_time() -> None:
    file = judge(0).file
    assert weighed_then(file, place="evidence").judgement.verdict is Verdict.ADVANCE


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"schema": "stillhouse.evidence/v7"}'])
def test_what_is_no_evidence_is_explained(tmp_path: Path, text: str) -> None:
    (tmp_path / "evidence.json").write_text(text)
    with pytest.raises(UserError, match=r"evidence.json`: "):
        read_weighed(tmp_path / "evidence.json")
    with pytest.raises(UserError, match="cannot read the evidence"):
        read_weighed(tmp_path / "absent.json")
