"""The release file's form: it reads back, and a malformed one is explained."""

from pathlib import Path

import pytest
import yaml

from model.errors import UserError
from serving.release import parse_release, read_release, release_text
from serving.release_verbs import ramp, rollback
from serving.release_verbs_hold import unhold
from tests.serving.test_release_verbs import NOW, digest, on_trial


def test_the_text_gives_the_same_release_back() -> None:
    release = rollback(on_trial()).release
    assert parse_release(release_text(release), place="churn.yaml") == release


GOOD = release_text(on_trial())
PLANNED = f"""{GOOD}
expected_rate_per_second: 10.0
plan:
  steps:
  - {{weight: 10, min_samples: 1000, min_minutes: 5, max_minutes: 60}}
  - {{weight: 50, min_samples: 1000, max_minutes: 60}}
verification: {{label_days: 30, hold_back: 5}}
previous: {{version: v3, digest: '{digest(3)}', weight: 5}}
hold: {{owner: ada, reason: sale, since: 2026-11-20T12:00:00Z}}
"""


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


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("weight: 10, min", "weight: 10.5, min", 28, "plan.steps.0.weight: whole percents, 1 to 99 (got 10.5)"),
        (
            "weight: 10, min_samples: 1000",
            "weight: 1, min_samples: 1000",
            28,
            "plan.steps.0.max_minutes: 1,000 samples of each version take 168 minutes at 1 % of 10 requests per second "
            "(got 60); allow more minutes, ask for fewer samples, or begin with more weight",
        ),
        (
            "weight: 50, min_samples: 1000",
            "weight: 94, min_samples: 1000",
            29,
            "plan.steps.1.max_minutes: 1,000 samples of each version take 167 minutes at 94 % of 10 requests per "
            "second (got 60); allow more minutes, ask for fewer samples, or begin with more weight",
        ),
        (
            "expected_rate_per_second: 10.0\n",
            "\n",
            None,
            "expected_rate_per_second: a plan needs it, to tell whether its samples can be reached (got null)",
        ),
        ("weight: 50", "weight: 10", 27, "plan.steps: weights grow from step to step (got 10, 10)"),
        (
            "hold_back: 5}",
            "hold_back: 50}",
            30,
            "verification.hold_back: with the plan's largest weight, 50, leaves the stable version nothing (got 50)",
        ),
        (
            "version: v3, digest",
            "version: v2, digest",
            31,
            f"previous.digest: v2 is registered as {digest(2)[:19]} (got {digest(3)[:19]})",
        ),
        (
            f"'{digest(3)}', weight: 5",
            f"'{digest(3)}', weight: 49",
            29,
            "plan.steps.1.max_minutes: 1,000 samples of each version take 167 minutes at 50 %",
        ),
        (
            "rejected: []",
            f"shadow: {{version: v1, digest: '{digest(1)}'}}",
            23,
            f"shadow.digest: is the stable digest (got {digest(1)[:19]})",
        ),
        (
            "stable:\n  version: v1",
            "stable:\n  version: v9",
            17,
            "stable.version: not registered (got v9); registered are: v1, v2, v3",
        ),
        ("since: 2026-11-20T12:00:00Z", "since: 2026-11-20T12:00:00", 32, None),
        ("owner: ada, ", "", 32, "hold.owner: Field required (got nothing)"),
        (
            "max_minutes: 60}\nver",
            "max_minute: 60}\nver",
            29,
            "plan.steps.1.max_minute: no such field (got max_minute)",
        ),
    ],
)
def test_a_plan_or_place_that_cannot_be_is_refused_with_its_line(
    old: str, new: str, line: int | None, message: str | None
) -> None:
    assert PLANNED.count(old) == 1
    assert parse_release(PLANNED, place="churn.yaml").plan is not None
    with pytest.raises(UserError) as refusal:
        parse_release(PLANNED.replace(old, new), place="churn.yaml")
    where = f"`churn.yaml:{line}`: " if line else "`churn.yaml`: "
    assert str(refusal.value).startswith(where + (message or "")), refusal.value


def test_a_second_candidate_is_refused_as_a_list_and_as_a_key() -> None:
    entry = f"{{version: v2, digest: '{digest(2)}', weight: 10}}"
    head, tail = GOOD.split("candidate:")[0], "rejected: []\n"
    with pytest.raises(UserError, match=r"`churn.yaml:19`: candidate: one at a time \(got 2\)"):
        parse_release(f"{head}candidate: [{entry}, {entry}]\n{tail}", place="churn.yaml")
    with pytest.raises(UserError, match=r"candidates: no such field.*\n\nhint: did you mean `candidate`"):
        parse_release(f"{head}candidates: [{entry}]\n{tail}", place="churn.yaml")
    with pytest.raises(UserError, match="the key `candidate` stands twice"):
        parse_release(f"{head}candidate: {entry}\ncandidate: {entry}\n{tail}", place="churn.yaml")


def test_all_that_a_file_may_say_reads_back() -> None:
    release = parse_release(PLANNED, place="churn.yaml")
    assert release.weights() == {"v1": 85, "v2": 10, "v3": 5}
    assert parse_release(release_text(release), place="churn.yaml") == release


def test_what_a_file_does_not_say_is_not_written() -> None:
    assert list(yaml.safe_load(GOOD)) == ["schema", "endpoint", "versions", "stable", "candidate", "rejected"]
    assert list(yaml.safe_load(GOOD)["candidate"]) == ["version", "digest", "weight"]


def test_the_comment_at_the_top_stays() -> None:
    before = "# An example.\n\n# With two comments.\n" + GOOD
    text = release_text(rollback(on_trial()).release, before=before)
    assert text.startswith("# An example.\n\n# With two comments.\nschema: ")
    assert parse_release(text, place="churn.yaml") == rollback(on_trial()).release


def test_where_the_plan_stands() -> None:
    release = parse_release(PLANNED, place="churn.yaml")
    assert release.plan is not None
    assert (release.step(), release.next_step()) == release.plan.steps
    free = unhold(release, by="ada", now=NOW).release
    low, high = ramp(free, weight=3).release, ramp(free, weight=50).release
    assert (low.step(), low.next_step()) == (release.plan.steps[0], release.plan.steps[0])
    assert (high.step(), high.next_step()) == (release.plan.steps[1], None)
    assert (on_trial().step(), on_trial().next_step()) == (None, None)


def test_a_file_that_is_no_text_is_explained(tmp_path: Path) -> None:
    (tmp_path / "churn.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="is not text"):
        read_release(tmp_path / "churn.yaml")
