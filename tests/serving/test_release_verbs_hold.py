"""What people answer for by name."""

import pytest

from model.errors import UserError
from serving.release import Release
from serving.release_change import Change
from serving.release_message import trailers
from serving.release_verbs import canary, promote, register, rollback
from serving.release_verbs_hold import clear, hold, unhold
from tests.serving.test_release_verbs import NOW, digest, on_trial, promoted


def test_a_hold_says_who_and_why_and_an_unhold_who() -> None:
    change = hold(on_trial(), owner="ada", reason="sale on Friday", now=NOW)
    assert (change.by, change.reason) == ("ada", "hold: sale on Friday")
    assert trailers(change)["Hold"] == "ada"
    again = unhold(change.release, by="bob", now=NOW)
    assert (again.by, again.reason) == ("bob", "unhold what ada held: sale on Friday")
    assert again.release.hold is None


def clear_v2(release: Release) -> Change:
    return clear(release, rejected="v2", by="ada", reason="a broken node")


def test_what_a_person_cleared_may_serve_again() -> None:
    rejected = rollback(on_trial(), reason="errors").release
    change = clear_v2(rejected)
    assert change.reason == f"clear v2 ({digest(2)[:19]}): a broken node"
    assert trailers(change)["By"] == "ada"
    assert canary(change.release, version="v2", weight=10).release.weights() == {"v1": 90, "v2": 10}


def test_a_digest_that_was_rejected_twice_is_cleared_once_and_for_all() -> None:
    twice = rollback(canary(clear_v2(rollback(on_trial()).release).release, version="v2", weight=10).release).release
    assert clear(twice, rejected=digest(2), by="ada", reason="a broken node").release.rejected == ()


def test_a_name_of_several_rejected_digests_is_not_enough() -> None:
    """An older entry may bear a name that means another digest by now: history before names were for good."""
    first = rollback(on_trial()).release
    entries = [entry.model_dump() for entry in first.rejected]
    both = [*entries, entries[0] | {"digest": digest(8)}]
    release = Release.model_validate(first.model_dump(by_alias=True) | {"rejected": both})
    with pytest.raises(
        UserError, match=rf"several digests were rejected .*\n\nhint: name one: {digest(2)}, {digest(8)}"
    ):
        clear_v2(release)
    assert clear(release, rejected=digest(8), by="ada", reason="x").release.is_rejected(digest(2))


def test_a_hold_outlives_a_promotion_that_is_taken_back() -> None:
    held = hold(promoted(), owner="ada", reason="sale", now=NOW).release
    assert rollback(held, version="v2").release.hold is not None
    known = register(held, version="v7", digest=digest(7), uri="runs/v7", registered=NOW).release
    with pytest.raises(UserError, match="held by ada"):
        promote(known, version="v2")
