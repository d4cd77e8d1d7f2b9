import pytest

from serving.client_retry import RetryBudget, RetrySettings


def waits(budget: RetryBudget, number: int) -> int:
    """How many of so many first failures may try again."""
    return sum(budget.wait_s(1, 10.0) is not None for _ in range(number))


def test_a_burst_spends_what_was_saved_and_then_a_share_of_the_requests() -> None:
    budget = RetryBudget(RetrySettings(budget_percent=10, most_saved=5))
    assert waits(budget, 20) == 5
    for _ in range(31):
        budget.earn()
    assert waits(budget, 20) == 3


def test_attempts_end_with_their_number_and_with_the_deadline() -> None:
    budget = RetryBudget(RetrySettings(most_attempts=3, first_wait_s=0.01))
    assert budget.wait_s(3, 10.0) is None
    assert budget.wait_s(1, 0.0) is None
    for attempts, most_s in ((1, 0.01), (2, 0.02)):
        wait_s = budget.wait_s(attempts, 10.0)
        assert wait_s is not None
        assert 0 <= wait_s <= most_s


def test_no_budget_is_no_retry() -> None:
    budget = RetryBudget(RetrySettings(budget_percent=0))
    budget.earn()
    assert waits(budget, 3) == 0


def test_shares_beyond_the_whole_are_refused() -> None:
    with pytest.raises(AssertionError, match="budget_percent"):
        RetrySettings(budget_percent=101)
