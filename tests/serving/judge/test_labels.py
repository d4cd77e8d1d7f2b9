"""What mature labels say of a provisional promotion, against libraries and against known truth."""

import numpy as np
import pytest
from sklearn.metrics import log_loss as library_log_loss
from sklearn.metrics import roc_auc_score

from serving.judge.betting import Floats
from serving.judge.label_check import LabelCheck
from serving.judge.labels import Cohort, Confirmation, auroc, log_loss, verify


def cohort(random: np.random.Generator, labels: int, *, noise: float = 0.0, coverage: float = 1.0) -> Cohort:
    """Calibrated scores, whose log-odds are then disturbed by so much."""
    log_odds = random.normal(-1, 1.5, labels)
    truth = (random.random(labels) < 1 / (1 + np.exp(-log_odds))).astype(np.float64)
    scores = 1 / (1 + np.exp(-(log_odds + random.normal(0, noise, labels) if noise else log_odds)))
    return Cohort(requests=round(labels / coverage), scores=scores, labels=truth)


def test_area_and_loss_are_the_libraries() -> None:
    each = cohort(np.random.default_rng(1), 3000)
    ties = Cohort(requests=3000, scores=np.round(each.scores, 1), labels=each.labels)
    for held in (each, ties):
        assert auroc(held)[0] == pytest.approx(roc_auc_score(held.labels, held.scores))
    assert log_loss(each)[0] == pytest.approx(library_log_loss(each.labels, each.scores))


@pytest.mark.parametrize("measure", [auroc, log_loss])
def test_the_variance_is_that_of_repeated_samples(measure: object) -> None:
    assert callable(measure)
    random = np.random.default_rng(2)
    found = np.array([measure(cohort(random, 500)) for _ in range(600)])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].var(), rel=0.15)


def test_as_good_as_before_is_confirmed() -> None:
    random = np.random.default_rng(3)
    found = verify(cohort(random, 20_000), cohort(random, 100_000), LabelCheck(margin=0.02))
    assert found.confirmation is Confirmation.CONFIRM, found.reason
    assert found.upper_bound is not None
    assert found.upper_bound < 0.02


@pytest.mark.parametrize(("measure", "margin"), [("log_loss", 0.02), ("auroc", 0.02)])
def test_what_became_worse_is_reverted(measure: str, margin: float) -> None:
    random = np.random.default_rng(4)
    check = LabelCheck.model_validate({"measure": measure, "margin": margin})
    found = verify(cohort(random, 10_000), cohort(random, 50_000, noise=1.5), check)
    assert found.confirmation is Confirmation.REVERT, found.reason


def test_too_few_to_tell_waits_and_says_for_how_many() -> None:
    random = np.random.default_rng(5)
    check = LabelCheck(margin=0.01)
    found = verify(cohort(random, 1500), cohort(random, 1500), check)
    assert found.confirmation is Confirmation.NOT_MATURE
    assert found.labels_needed is not None
    many = 2 * (1500 + found.labels_needed)
    assert verify(cohort(random, many), cohort(random, many), check).confirmation is Confirmation.CONFIRM


def test_worse_by_the_margin_is_rarely_confirmed_and_no_worse_rarely_reverted() -> None:
    """Over several looks at a growing sample, each error stays below alpha."""
    random = np.random.default_rng(6)
    loss = np.mean(
        [log_loss(cohort(random, 50_000, noise=0.8))[0] - log_loss(cohort(random, 50_000))[0] for _ in range(9)]
    )
    check = LabelCheck(margin=float(loss), alpha=0.1, min_labels=500)

    def ends(noise: float) -> Confirmation:
        stable, candidate = cohort(random, 4000), cohort(random, 4000, noise=noise)
        for look in range(1, 5):
            part = 1000 * look
            found = verify(_first(stable, part), _first(candidate, part), check, look=look)
            if found.confirmation is not Confirmation.NOT_MATURE:
                return found.confirmation
        return Confirmation.NOT_MATURE

    worse = [ends(0.8) for _ in range(300)]
    same = [ends(0.0) for _ in range(300)]
    assert worse.count(Confirmation.CONFIRM) / 300 < 0.1
    assert same.count(Confirmation.REVERT) / 300 < 0.1
    assert same.count(Confirmation.CONFIRM) / 300 > 0.5


def _first(held: Cohort, part: int) -> Cohort:
    return Cohort(requests=part, scores=held.scores[:part], labels=held.labels[:part])


def test_labels_that_are_missing_on_one_version_are_not_compared() -> None:
    random = np.random.default_rng(7)
    found = verify(cohort(random, 5000, coverage=0.9), cohort(random, 5000, coverage=0.7), LabelCheck())
    assert found.confirmation is Confirmation.ERROR
    assert "missing at random: 70.0 % of the candidate's requests have one, 90.0 %" in found.reason


def test_immature_cohorts_wait() -> None:
    random = np.random.default_rng(8)
    nobody = Cohort(requests=0, scores=np.zeros(0), labels=np.zeros(0))
    one_class = Cohort(requests=2000, scores=np.full(2000, 0.1), labels=np.zeros(2000))
    for few in (nobody, cohort(random, 999), one_class):
        found = verify(cohort(random, few.requests or 2000), few, LabelCheck())
        assert found.confirmation is Confirmation.NOT_MATURE, found.reason
        assert found.worse_by is None


HALVES: Floats = np.full(10, 0.5)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (Cohort(requests=10, scores=HALVES, labels=np.full(10, 2.0)), "labels are 0 or 1"),
        (Cohort(requests=10, scores=HALVES * 3, labels=HALVES * 2), "between 0 and 1"),
        (Cohort(requests=10, scores=HALVES * np.nan, labels=HALVES * 2), "are numbers"),
        (Cohort(requests=9, scores=HALVES, labels=HALVES * 2), "more labels than requests"),
        (Cohort(requests=10, scores=HALVES[:5], labels=HALVES * 2), "differ in number"),
    ],
)
def test_what_cannot_be_is_an_error(broken: Cohort, words: str) -> None:
    found = verify(cohort(np.random.default_rng(9), 2000), broken, LabelCheck())
    assert found.confirmation is Confirmation.ERROR
    assert words in found.reason
