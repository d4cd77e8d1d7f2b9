"""The catalogue is whole: every rule of every module is in it once, and says where it comes from."""

import importlib
import pkgutil
import re

import infra.policies
from infra.policies import catalogue
from infra.policies.catalogue import RULES, expand, judge, review
from infra.policies.judged import UNKNOWN, Judged, Options
from infra.policies.rule import Level, Rule
from tests.infra.policies import estate
from tests.infra.policies.changes import add, put
from tests.infra.policies.estate import ESTATE


def _modules() -> list[str]:
    found = pkgutil.iter_modules(infra.policies.__path__, "infra.policies.")
    return [module.name for module in found if not module.name.endswith((".pack", ".rule", ".catalogue"))]


def test_every_rule_of_every_module_is_listed() -> None:
    written = {
        id(value): value.name
        for name in _modules()
        for value in vars(importlib.import_module(name)).values()
        if isinstance(value, Rule)
    }
    assert sorted(written.values()) == sorted(rule.name for rule in RULES)


def test_names_are_unique_and_sentences_are_sentences() -> None:
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z]+(-[a-z]+)+", name)] == []
    assert [rule.name for rule in RULES if not re.fullmatch(r"[A-Z].*\.", rule.sentence)] == []
    assert [rule.name for rule in RULES if not rule.sources] == []


def test_at_least_forty_of_the_checks_are_answered() -> None:
    rows = {rule.row for rule in RULES if rule.row is not None}
    assert rows <= set(range(1, 65))
    assert len(rows) >= 40


def test_most_rules_stop_an_update() -> None:
    advisory = [rule.name for rule in RULES if rule.level is Level.ADVISORY]
    assert len(advisory) < len(RULES) / 10


def test_a_finding_names_rule_resource_and_source() -> None:
    (finding,) = judge(put(estate.KEY, ("enableKeyRotation",), False)(ESTATE))
    assert finding.rule == "keys-rotate"
    assert finding.level is Level.MANDATORY
    assert finding.resource == estate.KEY.urn
    assert finding.message == "enableKeyRotation must be true (got false)"
    assert "CKV_AWS_7" in finding.source


def test_a_rule_that_cannot_judge_says_so() -> None:
    whole = review(put(estate.KEY, ("enableKeyRotation",), UNKNOWN)(ESTATE))
    assert whole.findings == ()
    assert [(opinion.rule, opinion.resource) for opinion in whole.undecided] == [("keys-rotate", estate.KEY.urn)]


def test_objects_inside_yaml_are_judged() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: aws-auth, namespace: kube-system}\n"
    bodies = [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "open"}, "spec": {"type": "LoadBalancer"}}]
    group = estate.resource(catalogue.GROUPS[0], "extra", {"yaml": [text], "objs": bodies})
    found = {finding.rule for finding in judge(add(group)(ESTATE))}
    assert found == {"no-aws-auth-map", "load-balancers-are-internal", "nothing-lives-in-default"}
    # Where the engine has laid the objects out they are not judged twice.
    child = Judged(
        type="kubernetes:core/v1:Service", name="open", urn="x", inputs=bodies[0], options=Options(parent=group.urn)
    )
    assert expand([group, child]) == (group, child)


def test_an_empty_stack_is_kept() -> None:
    assert judge([]) == []


def test_an_object_that_is_only_read_is_not_judged() -> None:
    read = estate.resource("kubernetes:core/v1:Service", "of-somebody-else", {})
    assert judge(add(read)(ESTATE)) == []
