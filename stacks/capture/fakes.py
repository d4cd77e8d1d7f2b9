"""The table of fakes: what a cloud would answer for each type that the programs declare; others are an error."""

from __future__ import annotations

from collections.abc import Mapping

from stacks.capture import fakes_aws, fakes_kubernetes, fakes_stack_reference
from stacks.capture.monitor import Fake

FAKES: Mapping[str, Fake] = {**fakes_aws.FAKES, **fakes_kubernetes.FAKES, **fakes_stack_reference.FAKES}
