"""The page of the rules is as fresh as the rules, and leaves no check of the list unanswered."""

from infra.policies.catalogue import RULES
from stacks.pages.__main__ import DOCS
from stacks.pages.policies_page import ELSEWHERE, policies_page


def test_the_page_is_fresh() -> None:
    assert (DOCS / "policies.md").read_text() == policies_page(), "run `make docs`"


def test_every_rule_is_on_the_page() -> None:
    page = policies_page()
    assert [rule.name for rule in RULES if f"| `{rule.name}` | {rule.sentence} |" not in page] == []


def test_every_check_of_the_list_is_answered_by_a_rule_or_elsewhere() -> None:
    answered = {rule.row for rule in RULES if rule.row is not None}
    assert answered | set(ELSEWHERE) == set(range(1, 65))
    assert not answered & set(ELSEWHERE)
