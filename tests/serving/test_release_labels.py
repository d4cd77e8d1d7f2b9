"""Labels that come later: which requests count, and what the table says of a promotion."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from model.errors import UserError
from serving.release import Release
from serving.release_labels import judge_labels
from serving.release_verbs_evidence import verify
from tests.serving.test_release_verbs import NOW, digest, promoted

LATER = NOW + timedelta(days=30)


def table(*, v2_knows: float, rows: int = 4000, age_days: float = 20.0) -> pd.DataFrame:
    """Both versions score the same kind of requests; v1 knows the label half of the time."""
    random = np.random.default_rng(7)
    versions = np.where(np.arange(2 * rows) < rows, "v1", "v2")
    label = random.integers(0, 2, 2 * rows)
    knows = random.random(2 * rows) < np.where(versions == "v1", 0.5, v2_knows)
    score = np.where(knows, 0.2 + 0.6 * label, 0.5)
    requested = [(LATER - timedelta(days=age_days)).isoformat()] * (2 * rows)
    return pd.DataFrame({"version": versions, "requested": requested, "score": score, "label": label})


def write(frame: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize(
    ("v2_knows", "said", "weights"),
    [(0.7, "confirm", {"v2": 100}), (0.1, "revert", {"v1": 100})],
)
def test_labels_decide_a_promotion(
    tmp_path: Path, v2_knows: float, said: str, weights: dict[str, int], suffix: str
) -> None:
    labels = judge_labels(promoted(5), write(table(v2_knows=v2_knows), tmp_path / f"l{suffix}"), now=LATER)
    assert labels.confirmation == said, labels.reason
    change = verify(promoted(5), labels=labels, now=LATER)
    assert change.release.weights() == weights
    record = json.loads(labels.file.text)
    assert (record["schema"], record["look"]) == ("stillhouse.labels/v1", 1)
    assert (record["stable"]["digest"], record["previous"]["digest"]) == (digest(2), digest(1))


def test_only_requests_since_the_promotion_with_certain_labels_count(tmp_path: Path) -> None:
    young = write(table(v2_knows=0.7, age_days=6.9), tmp_path / "young.csv")
    old = write(table(v2_knows=0.7, age_days=30.1), tmp_path / "old.csv")
    for path in (young, old):
        labels = judge_labels(promoted(5), path, now=LATER)
        assert (labels.confirmation, labels.looked) == ("not_mature", False)
        assert "got 0," in labels.reason


def test_labels_that_go_missing_on_one_version_are_an_error(tmp_path: Path) -> None:
    frame = table(v2_knows=0.5).astype({"label": "float64"})
    frame.loc[(frame["version"] == "v2") & (frame.index % 2 == 0), "label"] = np.nan
    labels = judge_labels(promoted(5), write(frame, tmp_path / "l.csv"), now=LATER)
    assert (labels.confirmation, labels.looked) == ("error", False)
    assert "not missing at random" in labels.reason


def test_a_look_that_tells_nothing_yet_counts(tmp_path: Path) -> None:
    labels = judge_labels(promoted(5), write(table(v2_knows=0.5, rows=1100), tmp_path / "l.csv"), now=LATER)
    assert (labels.confirmation, labels.looked) == ("not_mature", True)
    after = verify(promoted(5), labels=labels, now=LATER).release
    second = judge_labels(after, tmp_path / "l.csv", now=LATER)
    assert json.loads(second.file.text)["look"] == 2


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (table(v2_knows=0.5, rows=2).drop(columns="label"), r"no column label \(got version, requested, score\)"),
        (table(v2_knows=0.5, rows=2).assign(score="high"), "Unable to parse"),
        (table(v2_knows=0.5, rows=2).assign(requested="yesterday"), "yesterday"),
        (table(v2_knows=0.5, rows=2).assign(requested=None), "4 requests without a time"),
    ],
)
def test_a_table_that_is_none_is_explained(tmp_path: Path, frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(UserError, match=message):
        judge_labels(promoted(5), write(frame, tmp_path / "l.csv"), now=LATER)


def test_labels_need_a_promotion_that_waits_and_a_rule(tmp_path: Path) -> None:
    path = write(table(v2_knows=0.5, rows=2), tmp_path / "l.csv")
    with pytest.raises(UserError, match=r"verification: the file does not say how labels decide"):
        judge_labels(promoted(), path, now=LATER)
    fields = promoted(5).model_dump(by_alias=True)
    fields["previous"] |= {"since": None}
    with pytest.raises(UserError, match=r"previous.since: when v1 was relieved is not written down"):
        judge_labels(Release.model_validate(fields), path, now=LATER)
    with pytest.raises(UserError, match="cannot read the labels"):
        judge_labels(promoted(5), tmp_path / "absent.csv", now=LATER)
