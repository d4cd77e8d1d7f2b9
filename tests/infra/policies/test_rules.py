"""Every rule is content with a good stack, sees each way to break it, and never takes the unknown for a violation."""

from dataclasses import replace

import pytest

from infra.policies.catalogue import RULES, review
from infra.policies.judged import UNKNOWN, Judged
from infra.policies.rule import Finding
from tests.infra.policies.cases import ALLOWED, BROKEN
from tests.infra.policies.changes import Change, places, put
from tests.infra.policies.estate import ESTATE

BY_NAME = {rule.name: rule for rule in RULES}


def test_the_good_stack_is_good_and_wholly_known() -> None:
    whole = review(ESTATE)
    assert whole.findings == ()
    assert whole.undecided == ()


@pytest.mark.parametrize("name", BY_NAME)
def test_each_rule_judges_the_good_stack_and_has_a_way_to_be_broken(name: str) -> None:
    assert BY_NAME[name].applies(ESTATE), "the good stack holds nothing for the rule to judge"
    assert BROKEN.get(name), "no violating case"


def test_no_case_is_for_a_rule_that_does_not_exist() -> None:
    assert set(BROKEN) | set(ALLOWED) <= set(BY_NAME)


@pytest.mark.parametrize(("name", "change"), [(name, change) for name, changes in BROKEN.items() for change in changes])
def test_a_broken_stack_is_found(name: str, change: Change) -> None:
    rule = BY_NAME[name]
    findings = [opinion for opinion in rule.opinions(change(ESTATE)) if isinstance(opinion, Finding)]
    assert findings, f"{rule.sentence} was broken and not found"
    assert all(finding.rule == name and finding.level is rule.level for finding in findings)
    assert all(finding.message and finding.source for finding in findings)


@pytest.mark.parametrize(
    ("name", "change"), [(name, change) for name, changes in ALLOWED.items() for change in changes]
)
def test_what_only_looks_broken_is_allowed(name: str, change: Change) -> None:
    changed = change(ESTATE)
    assert changed != ESTATE
    assert [opinion for opinion in BY_NAME[name].opinions(changed) if isinstance(opinion, Finding)] == []


@pytest.mark.parametrize("resource", ESTATE, ids=lambda resource: f"{resource.kind}/{resource.name}")
def test_no_unknown_input_is_a_violation(resource: Judged) -> None:
    for path in places(resource.inputs):
        changed = put(resource, path, UNKNOWN)(ESTATE)
        assert review(changed).findings == (), path


def test_nothing_is_found_where_nothing_is_known() -> None:
    blind = [replace(one, inputs=dict.fromkeys(one.inputs, UNKNOWN)) for one in ESTATE]
    assert review(blind).findings == ()
    silent = {rule.name for rule in RULES} - {opinion.rule for opinion in review(blind).undecided}
    assert silent == {
        "credentials-are-short-lived",
        "buckets-block-public-access",
        "buckets-are-encrypted",
        "node-groups-have-a-launch-template",
        "node-groups-take-no-ssh",
        "networks-log-their-flows",
    }, "a rule that cannot judge says so; these judge by what is there, not by what it says"
