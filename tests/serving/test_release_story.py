"""The story that commits tell, and how things stand."""

from datetime import datetime, timedelta

import pytest

from serving.release_change import Change
from serving.release_message import commit_message, parse_trailers, trailers
from serving.release_repository import HistoryEntry
from serving.release_story import chapters, span
from serving.release_verbs import canary, promote, ramp, rollback
from serving.release_verbs_hold import hold
from serving.release_verbs_side import ab, shadow
from serving.release_words import standing
from tests.serving.evidence_samples import planned
from tests.serving.test_release_verbs import NOW, on_trial, promoted, with_versions
from tests.serving.test_release_verbs_side import HALF, TESTER


def committed(change: Change, when: datetime) -> HistoryEntry:
    subject, _, block = commit_message(change).partition("\n\n")
    return HistoryEntry(commit="c" * 40, when=when, author="bob", subject=subject, trailers=parse_trailers(block))


def by_hand(when: datetime) -> HistoryEntry:
    return HistoryEntry(commit="d" * 40, when=when, author="eve", subject="Tidy up", trailers={})


def rollouts() -> list[HistoryEntry]:
    """v2 is promoted after an hour and a half, an edit by hand falls into it; v3 is rolled back; v2 goes again."""
    first = promote(with_versions(1, 2, 3), version="v1")
    second = canary(first.release, version="v2", weight=10)
    third = hold(second.release, owner="ada", reason="lunch", now=NOW)
    fourth = ramp(second.release, weight=50)
    fifth = promote(fourth.release, version="v2")
    sixth = canary(fifth.release, version="v3", weight=5)
    seventh = rollback(sixth.release, reason="errors")
    last = canary(fifth.release, version="v3", weight=7)
    changes = [first, second, third, fourth, fifth, sixth, seventh, last]
    entries = [committed(change, NOW + timedelta(minutes=30 * number)) for number, change in enumerate(changes)]
    entries.insert(3, by_hand(NOW + timedelta(minutes=70)))
    return entries[::-1]


def test_each_trial_is_a_chapter() -> None:
    told = chapters(rollouts())
    assert [chapter.title for chapter in told] == [
        "between trials",
        "v2: promoted after 1 h 30 min",
        "v3: rolled back after 30 min",
        "v3: on trial",
    ]
    whats = [line.what for line in told[1].lines]
    assert whats == [
        "canary v2 at 10 %",
        "hold: lunch",
        "Tidy up",
        "ramp v2 from 10 % to 50 %",
        "promote v2 in place of v1",
    ]
    assert [line.who for line in told[1].lines] == ["bob", "ada", "eve", "bob", "bob"]
    assert [line.after for line in told[1].lines][:2] == [None, timedelta(minutes=30)]


def test_no_commits_are_no_story() -> None:
    assert chapters([]) == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (11_520, "3 h 12 min"), (187_200, "2 d 4 h"), (86_460, "1 d 1 min")],
)
def test_spans_are_short(seconds: int, words: str) -> None:
    assert span(timedelta(seconds=seconds)) == words


def test_a_message_is_one_line_and_trailers_that_read_back() -> None:
    change = rollback(on_trial(), reason="two\nlines: here")
    subject, empty, *block = commit_message(change).splitlines()
    assert subject == "release(churn): roll back v2 from 10 %: two lines: here"
    assert empty == ""
    assert parse_trailers("\n".join(block)) == trailers(change)


def test_how_things_stand_is_said_in_a_line_each() -> None:
    now = NOW + timedelta(minutes=12)
    trial = canary(planned(promote(with_versions(1, 2, 3), version="v1").release), version="v2", now=NOW).release
    release = hold(shadow(trial, version="v3").release, owner="ada", reason="sale", now=NOW).release
    assert standing(release, now=now) == [
        "held by ada for 12 min: sale",
        "v2 is on trial at 10 % for 12 min",
        "step 1 of 2: 100 samples of each version, 5 to 60 minutes; then 50 %",
        "v3 gets copies of 100 % of the requests",
    ]
    compared = ab(trial, version="v2", rules=[TESTER, HALF]).release
    assert standing(compared, now=now)[1:3] == [
        "v2 gets requests with x-stillhouse-version: v2 and role tester",
        "v2 gets 10 % of the entities in x-stillhouse-entity (salt november)",
    ]
    assert standing(promoted(5), now=now) == [
        "v2 is provisional for 12 min; v1 keeps 5 %: `verify` ends that, `rollback v2` goes back"
    ]
    assert standing(rollback(on_trial(), reason="errors").release, now=now)[0].endswith("): errors")
