"""A captured resource as the policies judge it: secrets opened, unknown inputs left unknown."""

from infra.policies.judged import Judged
from infra.policies.judged import Options as JudgedOptions
from stacks.capture.resource import Resource
from stacks.capture.values import reveal


def judged(resource: Resource) -> Judged:
    """The resource as `infra.policies` sees it."""
    return Judged(
        type=resource.type,
        name=resource.name,
        urn=resource.urn,
        inputs={key: reveal(value) for key, value in resource.inputs.items()},
        options=JudgedOptions(
            protect=resource.options.protect,
            retain_on_delete=resource.options.retain_on_delete,
            parent=resource.parent,
            depends_on=tuple(sorted(resource.depends_on)),
        ),
    )
