"""Every shipped stack keeps every rule that can stop an update, and they give nearly all rules work."""

from collections.abc import Mapping
from functools import cache

import pytest

from infra.policies.catalogue import RULES, Review, expand, review
from infra.policies.judged import Judged
from infra.policies.rule import Level
from stacks.capture.judged import judged
from stacks.capture.run import capture
from stacks.programs import RELEASES_SUFFIX, known_stacks, program_of, stack_file
from stacks.settings.read import read_settings
from stacks.settings.secret_settings import needed_secrets
from stacks.settings.stack_config import PROJECT, StackConfig, config_of_file

STACKS = known_stacks()
ADVICE: Mapping[str, str] = {
    "guardduty-watches-the-cluster": "an organisation turns GuardDuty on for all of its accounts, not a stack",
    "networks-log-their-flows": "the low tier saves the price of flow logs",
    "refused-configuration-raises-an-alert": "alerts come with the dashboards",
}
"""Advisory rules that the shipped stacks do not keep, and why."""
IDLE: Mapping[str, str] = {
    "administration-is-for-named-roles": "the cluster's component makes them; another rule reads its entries",
    "registries-are-private": "a repository without a policy is for its own account",
    "load-balancers-are-internal": "a chart makes the one load balancer; another rule looks into its values",
    "webhooks-are-bounded": "the charts of the controllers make their webhooks",
}
"""Rules to which no shipped stack gives work."""


@cache
def resources_of(stack: str, *, preview: bool) -> tuple[Judged, ...]:
    """What the stack declares, after an update or before the first."""
    config = config_of_file(stack_file(stack))
    secrets = dict.fromkeys([*config.secret_keys, *_secrets(stack, config)], "not-decrypted")
    captured = capture(
        program_of(stack),
        stack=stack,
        config={**config.as_pulumi(), **secrets},
        secrets=frozenset(secrets),
        preview=preview,
    )
    return tuple(judged(resource) for resource in captured.resources)


def _secrets(stack: str, config: StackConfig) -> list[str]:
    if stack.endswith(RELEASES_SUFFIX):
        return []
    return [f"{PROJECT}:{name}" for name in needed_secrets(read_settings(config))]


def _review(stack: str, *, preview: bool) -> Review:
    return review(resources_of(stack, preview=preview))


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("preview", [False, True], ids=["update", "preview"])
def test_no_shipped_stack_breaks_a_mandatory_rule(stack: str, *, preview: bool) -> None:
    broken = [finding for finding in _review(stack, preview=preview).findings if finding.level is Level.MANDATORY]
    assert broken == []


def test_the_advice_that_is_not_followed_is_listed_with_its_reason() -> None:
    assert {finding.rule for stack in STACKS for finding in _review(stack, preview=False).findings} == set(ADVICE)


@pytest.mark.parametrize("stack", STACKS)
def test_after_an_update_everything_can_be_judged(stack: str) -> None:
    assert _review(stack, preview=False).undecided == ()


@pytest.mark.parametrize("stack", [stack for stack in STACKS if not stack.endswith(RELEASES_SUFFIX)])
def test_before_the_first_update_something_must_wait(stack: str) -> None:
    assert _review(stack, preview=True).undecided


def test_the_shipped_stacks_give_every_rule_work() -> None:
    stacks = [expand(resources_of(stack, preview=False)) for stack in STACKS]
    assert {rule.name for rule in RULES if not any(rule.applies(stack) for stack in stacks)} == set(IDLE)
