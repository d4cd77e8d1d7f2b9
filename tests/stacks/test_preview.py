"""Every shipped program survives a first preview, when nothing that the cloud computes is known yet."""

import pytest

from stacks.capture.run import Capture, capture
from stacks.capture.values import holds_unknown, reveal
from stacks.programs import known_stacks, program_of, stack_file
from stacks.settings.stack_config import PROJECT, config_of_file
from tests.stacks.plan.shipped import planned

PLATFORMS = [stack for stack in known_stacks() if not stack.endswith("-releases")]


def _preview(stack: str) -> Capture:
    config = config_of_file(stack_file(stack))
    return capture(
        program_of(stack),
        project=PROJECT,
        stack=stack,
        config=config.as_pulumi(),
        secrets=config.secret_keys,
        preview=True,
    )


@pytest.mark.parametrize("stack", known_stacks())
def test_a_preview_declares_what_an_update_makes(stack: str) -> None:
    previewed = _preview(stack)
    assert {one.urn for one in previewed.resources} == {one.urn for one in planned(stack).capture.resources}
    assert previewed.outputs.keys() == planned(stack).capture.outputs.keys()


@pytest.mark.parametrize("stack", PLATFORMS)
def test_unknown_values_arrive_as_unknown(stack: str) -> None:
    previewed = _preview(stack)
    assert any(holds_unknown(dict(one.inputs)) for one in previewed.resources)
    subnet = previewed.of_type("aws:ec2/subnet:Subnet")[0]
    assert holds_unknown(subnet.inputs["vpcId"])


@pytest.mark.parametrize("stack", known_stacks())
def test_no_text_holds_the_words_of_an_output(stack: str) -> None:
    """An Output in an f-string becomes an explanation of how not to do it."""
    for one in (*_preview(stack).resources, *planned(stack).capture.resources):
        assert "Calling __str__" not in str(reveal(dict(one.inputs))), one.urn


@pytest.mark.parametrize("stack", known_stacks())
def test_every_component_gives_its_outputs(stack: str) -> None:
    captured = planned(stack).capture
    silent = [
        one.urn for one in captured.resources if not one.custom and not one.remote and one.registered_outputs is None
    ]
    assert silent == []
