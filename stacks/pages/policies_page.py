"""docs/policies.md from the rules: each with its sentence, level, sources and the check that it answers."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from infra.policies.catalogue import RULES, SUBJECTS
from infra.policies.rule import Level, ResourceRule, Rule

ELSEWHERE: Final[Mapping[int, str]] = {
    16: "kube-bench and kubescape need a live cluster",
    40: "requests with bad tokens, against a gateway that runs",
    45: "a request whose Host is not its SNI, against a gateway that runs",
    51: "headers that a caller sends, against a gateway that runs",
    52: "Envoy's admin port, against a proxy that runs",
    53: "Envoy's heap, against a proxy that runs",
    54: "connections from outside, against a gateway that runs",
    55: "HTTP/2 streams and windows, against a gateway that runs",
    57: "headers with underscores, against a gateway that runs",
    63: "no file that runs code when it is read: the exporter writes safetensors and parquet",
}
"""Checks that no input of a resource can answer, and what they need."""

HEAD: Final = """\
# Policies

Written by `make docs` from `infra/policies/`.

{num_rules} rules judge every stack, {num_mandatory} of them mandatory. `stillhouse plan <stack>` shows their findings,
the tests hold every shipped stack to them before and after its first update, and as a policy pack of Pulumi's they
stop an update:

    pulumi preview --policy-pack infra/policies/pack

{num_stack} look at a stack as a whole, the others at one resource at a time. A rule needs nothing but the inputs that a
program declares; an input that is known only after the update is never a violation, and the rule says that it has to
wait. The engine tells a policy about one resource its inputs, and one about a stack its outputs; both have the names
that the rules read.

What a chart makes is seen through the chart's values only. An InferenceService and its ServingRuntime are each judged
for the half of the pod that they bring. `python -m stacks.scan <environment>` adds a published scanner (checkov) over
every object that the stacks declare themselves, and over the Deployments that KServe makes of them; what it reports
and is let pass stands with its reason in `stacks/scan/allowed.yaml`.

The security checks are numbered 1 to 64. The rules answer {num_rows} of them, as the last column says. The others need
more than inputs:

{elsewhere}
"""


def policies_page() -> str:
    """The whole page."""
    levels = Counter(rule.level for rule in RULES)
    head = HEAD.format(
        num_rules=len(RULES),
        num_mandatory=levels[Level.MANDATORY],
        num_stack=sum(not isinstance(rule, ResourceRule) for rule in RULES),
        num_rows=len({rule.row for rule in RULES if rule.row is not None}),
        elsewhere="\n".join(f"- {row}: {what}." for row, what in ELSEWHERE.items()),
    )
    return "\n".join([head, *(_section(subject, rules) for subject, rules in SUBJECTS.items())])


def _section(subject: str, rules: tuple[Rule, ...]) -> str:
    rows = [("Rule", "", "Level", "From", "Check"), ("---",) * 5, *(_row(rule) for rule in rules)]
    return "\n".join([f"## {subject}\n", *(f"| {' | '.join(row)} |" for row in rows), ""])


def _row(rule: Rule) -> tuple[str, ...]:
    check = "" if rule.row is None else str(rule.row)
    return f"`{rule.name}`", rule.sentence, rule.level.value, rule.source, check
