"""An environment as its two stacks declare it; the releases are told what the platform really exports."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from stacks.capture.fakes_stack_reference import STACK_REFERENCE
from stacks.capture.monitor import FakeRequest
from stacks.capture.run import capture
from stacks.capture.values import Value
from stacks.plan.plan import make_plan
from stacks.programs import RELEASES_SUFFIX, known_stacks, program_of, stack_file
from stacks.settings.stack_config import PROJECT, config_of_file
from tests.cluster.declared import Declared, declared


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """What both stacks declare in Kubernetes, each in order of creation."""

    name: str
    platform: list[Declared]
    releases: list[Declared]
    """The platform is there before them, and until they are gone."""

    @property
    def everything(self) -> list[Declared]:
        """Both stacks."""
        return self.platform + self.releases


def environments() -> list[str]:
    """Every shipped environment: those that have both stacks."""
    stacks = known_stacks()
    return [stack for stack in stacks if f"{stack}{RELEASES_SUFFIX}" in stacks]


def environment(name: str) -> Environment:
    """Run both programs in the capture."""
    platform = make_plan(name).capture

    def read_stack(request: FakeRequest) -> Mapping[str, Value]:
        return {"name": request.inputs["name"], "outputs": platform.outputs, "secretOutputNames": []}

    stack = f"{name}{RELEASES_SUFFIX}"
    config = config_of_file(stack_file(stack))
    releases = capture(
        program_of(stack),
        project=PROJECT,
        stack=stack,
        config=config.as_pulumi(),
        fakes={STACK_REFERENCE: read_stack},
    )
    below = declared(platform)
    names = frozenset(item.resource for item in below)
    above = [replace(item, after=item.after | names) for item in declared(releases)]
    assert names.isdisjoint(item.resource for item in above), "the stacks share a resource's name"
    return Environment(name=name, platform=below, releases=above)
