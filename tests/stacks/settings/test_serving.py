"""No namespace of another part can be the models'."""

import pytest

from stacks.capture.values import reveal
from stacks.settings.serving import RESERVED, RESERVED_BEGINNINGS
from tests.stacks.plan.shipped import planned

NAMESPACE = "kubernetes:core/v1:Namespace"


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_every_namespace_that_a_platform_makes_is_reserved_but_the_models_own(stack: str) -> None:
    metadata = [reveal(found.inputs["metadata"]) for found in planned(stack).capture.of_type(NAMESPACE)]
    names = {str(one["name"]) for one in metadata if isinstance(one, dict)}
    assert "models" in names
    free = {name for name in names if name not in RESERVED and not name.startswith(RESERVED_BEGINNINGS)}
    assert free == {"models"}
