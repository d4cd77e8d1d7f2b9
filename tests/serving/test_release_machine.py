"""What no sequence of verbs and verdicts can reach, whatever is asked for in whatever order."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
)

from model.errors import UserError
from serving.judge.verdict import Verdict
from serving.release import Release, parse_release, release_text
from serving.release_change import Change
from serving.release_evidence import EvidenceFile, LabelVerdict
from serving.release_match import ByEntity, ByHeader
from serving.release_message import commit_message
from serving.release_verbs import canary, promote, ramp, register, rollback
from serving.release_verbs_evidence import adopt, advance, confirm, verify
from serving.release_verbs_hold import clear, hold, unhold
from serving.release_verbs_side import ab, end_ab, end_shadow, shadow
from tests.serving.evidence_samples import planned, told
from tests.serving.test_release_verbs import NOW, digest, with_versions

RULES = (ByHeader(kind="header", header="x-arm", value="b"), ByEntity(kind="entity", salt="s"))
WEIGHTS = st.integers(-1, 101)


class AnySequence(RuleBasedStateMachine):
    """All verbs, all verdicts, and several names for one digest among the versions."""

    versions: Bundle[str] = Bundle("versions")

    @initialize(
        target=versions,
        hold_back=st.integers(0, 20),
        plan=st.sampled_from([True, True, True, False]),
        served=st.sampled_from([True, True, True, True, False]),
    )
    def start(self, hold_back: int, plan: bool, served: bool) -> MultipleResults[str]:
        begun = promote(with_versions(1, 2, 3), version="v1").release if served else Release(endpoint="churn")
        kept = {"label_days": 7.0, "hold_back": hold_back} if hold_back else None
        self.release = Release.model_validate(begun.model_dump(by_alias=True) | {"verification": kept})
        if plan:
            self.release = planned(self.release)
        self.barred: set[str] = set()
        self.now: datetime = NOW
        self.check()
        return multiple(*self.release.versions)

    def attempt(self, verb: Callable[..., Change], **arguments: object) -> Change | None:
        before = self.release.model_dump()
        given = self.release
        try:
            change = verb(self.release, **arguments)
        except UserError:
            return None
        finally:
            assert given.model_dump() == before, "a verb changed the file that it was given"
        assert given.stable is None or change.release.stable is not None, "something was stable, and now nothing is"
        assert commit_message(change).startswith("release(churn): ")
        if change.release != given:
            self.barred |= {entry.digest for entry in change.release.rejected}
            self.release = change.release
            self.check()
            self.check_way_back()
        return change

    @rule(target=versions, name=st.integers(1, 6), number=st.integers(1, 4))
    def register(self, name: int, number: int) -> str:
        self.attempt(register, version=f"v{name}", digest=digest(number), uri="runs", registered=self.now)
        return f"v{name}"

    @precondition(lambda self: not self.release.candidate)
    @rule(version=versions, weight=st.none() | WEIGHTS)
    def canary(self, version: str, weight: int | None) -> None:
        self.attempt(canary, version=version, weight=weight, now=self.now)

    @precondition(lambda self: self.release.candidate)
    @rule(weight=WEIGHTS)
    def ramp(self, weight: int) -> None:
        self.attempt(ramp, weight=weight, now=self.now)

    @precondition(lambda self: self.release.candidate or not self.release.stable)
    @rule(version=versions)
    def promote(self, version: str) -> None:
        version = self.release.candidate.version if self.release.candidate else version
        self.attempt(promote, version=version, now=self.now)

    @precondition(lambda self: self.release.candidate or self.release.previous)
    @rule(promoted=st.booleans())
    def rollback(self, promoted: bool) -> None:
        assert self.release.stable is not None
        self.attempt(rollback, version=self.release.stable.version if promoted else None, now=self.now)

    @rule(version=versions, percent=st.none() | WEIGHTS)
    def shadow(self, version: str, percent: int | None) -> None:
        if percent is None:
            self.attempt(end_shadow)
        else:
            self.attempt(shadow, version=version, percent=percent)

    @rule(version=versions, rules=st.lists(st.sampled_from(RULES), unique=True), share=st.none() | WEIGHTS)
    def ab(self, version: str, rules: list[ByHeader | ByEntity], share: int | None) -> None:
        if rules:
            self.attempt(ab, version=version, rules=rules, share=share, now=self.now)
        else:
            self.attempt(end_ab, now=self.now)

    @rule()
    def hold(self) -> None:
        if self.release.hold:
            self.attempt(unhold, by="ada", now=self.now)
        else:
            self.attempt(hold, owner="ada", reason="sale", now=self.now)

    @precondition(lambda self: self.release.rejected)
    @rule(number=st.integers(0, 10))
    def clear(self, number: int) -> None:
        entry = self.release.rejected[number % len(self.release.rejected)]
        self.barred.remove(entry.digest)
        assert self.attempt(clear, rejected=entry.digest, by="ada", reason="a broken node")

    @precondition(lambda self: self.release.candidate is not None)
    @rule(
        verdict=st.sampled_from(Verdict),
        lasted=st.sampled_from([6, 30, 90, 0]),
        age=st.sampled_from([0, 0, 1, 11]),
        overdue=st.booleans(),
    )
    def advance(self, verdict: Verdict, lasted: int, age: int, overdue: bool) -> None:
        before = self.release
        self.now += timedelta(minutes=lasted)
        weighed = told(before, verdict, gathered=self.now - timedelta(minutes=age), overdue=overdue)
        change = self.attempt(advance, weighed=weighed, now=self.now)
        after = self.release
        assert before.candidate is not None
        # Only ADVANCE moves on, and nothing does while somebody holds it.
        moved_on = after.stable != before.stable or bool(
            after.candidate and after.candidate.weight > before.candidate.weight
        )
        assert not moved_on or (verdict is Verdict.ADVANCE and before.hold is None)
        if verdict is Verdict.ROLLBACK and change:
            assert after.is_rejected(before.candidate.digest)
        elif not moved_on:
            assert after.weights() == before.weights()
        if change and after != before:
            assert change.evidence == weighed.file

    @precondition(lambda self: self.release.previous is not None)
    @rule(said=st.sampled_from(["confirm", "revert", "not_mature", "error"]), looked=st.booleans())
    def verify(self, said: Literal["confirm", "revert", "not_mature", "error"], looked: bool) -> None:
        before = self.release
        assert before.stable is not None
        file = EvidenceFile(text="{}")
        labels = LabelVerdict(confirmation=said, reason="labels", looked=looked, file=file)
        assert self.attempt(verify, labels=labels, now=self.now)
        assert (self.release.previous is None) == (said in ("confirm", "revert"))
        assert self.release.is_rejected(before.stable.digest) == (said == "revert")

    @precondition(lambda self: self.release.previous is not None)
    @rule()
    def confirm(self) -> None:
        assert self.attempt(confirm, by="ada", reason="labels come in spring")
        assert self.release.previous is None

    @precondition(lambda self: self.release.candidate is not None)
    @rule(verdict=st.sampled_from(Verdict))
    def adopt(self, verdict: Verdict) -> None:
        """Another environment had promoted our candidate on this evidence."""
        assert self.release.candidate is not None
        there = self.release
        proof = told(there, verdict, gathered=self.now)
        unheld = there.model_copy(update={"hold": None})
        source = promote(unheld, version=self.release.candidate.version).release
        known = self.attempt(
            adopt, source=source, environment="dev", version=self.release.candidate.version, proof=proof, now=self.now
        )
        assert (known is not None) == (verdict is Verdict.ADVANCE)
        assert self.release.weights() == there.weights()

    def check(self) -> None:
        release = self.release
        weights, running = release.weights(), {release.versions[name].digest for name in release.arms()}
        assert sum(weights.values()) == (100 if release.stable else 0)
        assert all(1 <= weight <= 100 for weight in weights.values())
        assert not running & self.barred, "a rejected digest runs"
        assert len(running) == len(release.arms()), "one digest runs under two names"
        assert parse_release(release_text(release), place="churn.yaml") == release

    def check_way_back(self) -> None:
        """Held or not, with or without evidence, wherever there is something to go back to."""
        out = self.release.candidate or (self.release.stable if self.release.previous else None)
        if out is not None:
            after = rollback(self.release, version=out.version, now=self.now).release
            assert out.version not in after.weights()
            assert sum(after.weights().values()) == 100


AnySequence.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestAnySequence = AnySequence.TestCase
