"""Looks that outlive the process that took them, and the evidence that takes their place when they are lost."""

import subprocess
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from model.errors import UserError
from serving.conductor.lock import conducting
from serving.conductor.progress import Progress, begun, continues
from serving.judge.record import judged
from serving.release import Release
from serving.release_change import Change
from serving.release_parts import Previous
from serving.release_repository import commit_change, read_head
from serving.release_verbs import canary, promote, ramp, register
from serving.release_verbs_evidence import advance
from serving.release_weigh import weigh
from tests.serving.evidence_samples import PLAN, counted, planned

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    path = tmp_path / "stacks/releases/dev/churn.yaml"
    for number in (1, 2, 3):
        digest = f"sha256:{number:064x}"
        known = partial(register, version=f"v{number}", digest=digest, uri="there", registered=NOW)
        commit_change(path, known)
    commit_change(path, lambda release: promote(release, version="v1"))
    commit_change(path, lambda release: Change(release=planned(release), verb="register", reason="a plan"))
    commit_change(path, lambda release: canary(release, version="v2", weight=10, now=NOW))
    return path


def good_look(release: Release) -> Change:
    """An ADVANCE by real counts."""
    record = judged(counted(release, minutes=10, per_minute=2000, candidate_errors=0), PLAN, PLAN.steps[0])
    return advance(release, weighed=weigh(record), now=NOW + timedelta(minutes=10))


def test_a_stored_look_is_read_back_and_a_spoilt_one_is_none(path: Path) -> None:
    release = read_head(path)
    record = judged(counted(release, minutes=3, per_minute=100, candidate_errors=1), PLAN, PLAN.steps[0])
    progress = Progress(release_path=path)
    assert progress.last() is None
    progress.store(record)
    assert progress.last() == record
    assert path.parents[3] in progress.folder.parents
    look = progress.folder / "look.json"
    look.write_text(look.read_text()[:100])
    assert progress.last() is None


def test_without_a_stored_look_the_last_commits_evidence_goes_on(path: Path) -> None:
    progress = Progress(release_path=path)
    assert progress.committed(read_head(path)) is None
    commit_change(path, good_look)
    release = read_head(path)
    assert release.weights() == {"v1": 50, "v2": 50}
    before = progress.committed(release)
    assert before is not None
    assert len(before.windows) == 10
    later = NOW + timedelta(minutes=11)
    again = begun(before, release, later)
    assert again.windows == before.windows, "harm is counted over the whole trial"
    assert again.candidate.ready == before.candidate.ready
    assert again.step_start == again.gathered == later
    assert continues(again, release)


def test_another_trial_begins_with_nothing(path: Path) -> None:
    first = read_head(path)
    seen = counted(first, minutes=3, per_minute=100, candidate_errors=0)
    other = Release.model_validate(
        first.model_dump(by_alias=True)
        | {"candidate": {"version": "v3", "digest": f"sha256:{3:064x}", "weight": 10, "since": NOW}}
    )
    assert not continues(seen, other)
    fresh = begun(seen, other, NOW)
    assert fresh.windows == ()
    assert fresh.candidate.version == "v3"


def test_a_step_ends_with_any_change_of_the_weight(path: Path) -> None:
    release = read_head(path)
    seen = counted(release, minutes=3, per_minute=100, candidate_errors=0)
    assert continues(seen, release)
    assert not continues(seen, ramp(release, weight=50, now=NOW + timedelta(minutes=3)).release)
    assert release.candidate is not None
    by_hand = release.model_copy(update={"candidate": release.candidate.model_copy(update={"weight": 50})})
    assert not continues(seen, by_hand), "also where the hand did not write down when"
    third = Previous(version="v3", digest=f"sha256:{3:064x}", weight=5)
    assert not continues(seen, release.model_copy(update={"previous": third})), "and with what a third version keeps"


def test_the_lock_is_one_process_and_one_file(tmp_path: Path) -> None:
    with conducting(tmp_path / "a"), conducting(tmp_path / "b"):
        refused = pytest.raises(UserError, match=r"another conductor is at work")
        with refused, conducting(tmp_path / "a"):
            pass
    with conducting(tmp_path / "a"):
        pass
