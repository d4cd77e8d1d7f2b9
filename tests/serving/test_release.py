"""The release file's form: it reads back, and a malformed one is explained."""

from pathlib import Path

import pytest

from model.errors import UserError
from serving.release import parse_release, read_release, release_text
from serving.release_verbs import rollback
from tests.serving.test_release_verbs import digest, on_trial


def test_the_text_gives_the_same_release_back() -> None:
    release = rollback(on_trial()).release
    assert parse_release(release_text(release), place="churn.yaml") == release


GOOD = release_text(on_trial())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("weight: 10", "wieght: 10", r"candidate.*no such field \(got wieght\)\n\nhint: did you mean `weight`"),
        ("weight: 10", "weight: 110", r"`churn.yaml:22`: candidate.weight: .*less than or equal to 99 \(got 110\)"),
        ("weight: 10", "weight: ten", r"candidate.weight: .*valid integer \(got 'ten'\)"),
        ("weight: 10", "weight: 10\n  weight: 90", "the key `weight` stands twice"),
        ("endpoint: churn", "endpont: churn", r"endpont: no such field .*\n\nhint: did you mean `endpoint`"),
        ("endpoint: churn", "", r"endpoint: Field required \(got nothing\)"),
        ("stillhouse.release/v1", "stillhouse.release/v7", r"schema: Input should be 'stillhouse.release/v1' \(got"),
        ("version: v2", "version: v8", r"candidate.version: not registered \(got v8\); registered are: v1, v2, v3"),
        (f"version: v2\n  digest: {digest(2)}", f"version: v2\n  digest: {digest(3)}", "v2 is registered as"),
        ("rejected: []", f"rejected: [{{digest: '{digest(2)}', version: v2, reason: x}}]", "candidate.digest: was rej"),
        ("stable:", "stable: [", "is not YAML"),
    ],
)
def test_a_malformed_file_is_explained(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(UserError, match=message):
        parse_release(GOOD.replace(old, new), place="churn.yaml")


def test_an_empty_or_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="valid dictionary"):
        parse_release("", place="churn.yaml")
    with pytest.raises(UserError, match="cannot read the release file"):
        read_release(tmp_path / "absent.yaml")
