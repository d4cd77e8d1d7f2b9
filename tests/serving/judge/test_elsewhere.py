"""A third version's share is nobody's fault: the split is that of the two which are compared."""

from serving.judge.evidence import Window
from serving.judge.judging import judge
from serving.judge.verdict import Verdict
from tests.serving.judge.windows import FAILURES, STEP, arm, evidence, window


def minutes(*, elsewhere: float) -> list[Window]:
    """Of 1,000 requests 100 go to the candidate, 700 to the stable version, and 200 to a third one."""
    windows = [window(number, arm(700, 7), arm(100, 1)) for number in range(10)]
    return [each.model_copy(update={"elsewhere_percent": elsewhere}) for each in windows]


def test_what_a_third_version_keeps_is_in_neither_arm() -> None:
    judgement = judge(evidence(*minutes(elsewhere=20)), FAILURES, STEP)
    assert judgement.split is not None
    assert judgement.split.asked == judgement.split.observed == 0.125
    assert not judgement.split.mismatched
    assert judgement.verdict is not Verdict.ERROR


def test_without_a_third_version_the_same_counts_are_a_wrong_split() -> None:
    judgement = judge(evidence(*minutes(elsewhere=0)), FAILURES, STEP)
    assert judgement.split is not None
    assert judgement.split.mismatched
    assert judgement.verdict is Verdict.ERROR
