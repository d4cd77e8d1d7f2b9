"""What a platform exports is what its releases read, name for name."""

from dataclasses import fields

import pulumi

from stacks.capture.fakes_stack_reference import STACK_REFERENCE, platform_outputs
from stacks.capture.run import Capture, capture
from stacks.capture.values import Secret, reveal
from stacks.platform_outputs import PlatformOutputs, export_platform, read_platform

TOLD = {name: str(reveal(value)) for name, value in platform_outputs("acme/stillhouse/prod").items()}


def exported() -> Capture:
    def program() -> None:
        export_platform(PlatformOutputs(**{name: pulumi.Output.from_input(value) for name, value in TOLD.items()}))

    return capture(program)


def test_every_field_is_an_output_and_the_way_in_is_a_secret() -> None:
    outputs = exported().outputs
    assert outputs.keys() == {field.name for field in fields(PlatformOutputs)}
    assert {name for name, value in outputs.items() if isinstance(value, Secret)} == {"kubeconfig"}


def test_what_is_read_is_what_was_exported() -> None:
    before = exported().outputs

    def program() -> None:
        reference = pulumi.StackReference("platform", stack_name="acme/stillhouse/prod")
        export_platform(read_platform(reference))

    def answer(_: object) -> dict[str, object]:
        return {"name": "acme/stillhouse/prod", "outputs": before, "secretOutputNames": ["kubeconfig"]}

    assert capture(program, fakes={STACK_REFERENCE: answer}).outputs == before  # type: ignore[dict-item]
