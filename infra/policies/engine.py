"""The rules as policies of Pulumi's own engine: what it tells of a resource -> `Judged`, findings -> violations."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from pulumi_policy import (
    EnforcementLevel,
    PolicyResource,
    PolicyResourceOptions,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from infra.policies.catalogue import RULES, expand
from infra.policies.judged import UNKNOWN, Judged, Options, Value
from infra.policies.rule import Finding, Level, Opinion, ResourceRule, Rule

LEVELS: Final = {Level.ADVISORY: EnforcementLevel.ADVISORY, Level.MANDATORY: EnforcementLevel.MANDATORY}
WAITS: Final = "an input that the rule needs is known only after the update"


class _Arguments(Protocol):
    """What both kinds of arguments can be told."""

    def not_applicable(self, reason: str | None = None) -> None: ...


def policies() -> list[ResourceValidationPolicy | StackValidationPolicy]:
    """One policy for each rule, with its name, sentence and level."""
    return [_policy(rule) for rule in RULES]


def plain(value: Value) -> Value:
    """Inputs as the engine's proxies show them -> plain Python; what they refuse to show is UNKNOWN."""
    if isinstance(value, Mapping):
        return {key: _shown(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_shown(value, index) for index in range(len(value))]
    return value


def _shown(holder: Value, place: str | int) -> Value:
    try:
        return plain(holder[place])
    except UnknownValueError:
        return UNKNOWN


def _policy(rule: Rule) -> ResourceValidationPolicy | StackValidationPolicy:
    description = f"{rule.sentence} ({rule.source})"
    if isinstance(rule, ResourceRule):

        def validate_resource(args: ResourceValidationArgs, report: ReportViolation) -> None:
            judged = Judged(
                type=args.resource_type,
                name=args.name,
                urn=args.urn,
                inputs=plain(args.props),
                options=_options(args.opts, depends_on=()),
            )
            _judge(rule, expand([judged]), args, report)

        return ResourceValidationPolicy(rule.name, description, validate_resource, LEVELS[rule.level])

    def validate_stack(args: StackValidationArgs, report: ReportViolation) -> None:
        _judge(rule, expand([_of_stack(resource) for resource in args.resources]), args, report)

    return StackValidationPolicy(rule.name, description, validate_stack, LEVELS[rule.level])


def _of_stack(resource: PolicyResource) -> Judged:
    return Judged(
        type=resource.resource_type,
        name=resource.name,
        urn=resource.urn,
        inputs=plain(resource.props),
        options=_options(resource.opts, depends_on=tuple(other.urn for other in resource.dependencies)),
    )


def _options(options: PolicyResourceOptions | None, *, depends_on: tuple[str, ...]) -> Options:
    """The engine tells a policy nothing of `retain_on_delete`."""
    if options is None:
        return Options(depends_on=depends_on)
    return Options(protect=options.protect, parent=options.parent, depends_on=depends_on)


def _judge(rule: Rule, resources: Sequence[Judged], args: _Arguments, report: ReportViolation) -> None:
    """Report violations; where there is none and something is unknown, say that the rule does not apply yet."""
    if not rule.applies(resources):
        args.not_applicable("nothing of the kinds that the rule is about")
    opinions: list[Opinion] = list(dict.fromkeys(rule.opinions(resources)))
    findings = [opinion for opinion in opinions if isinstance(opinion, Finding)]
    for finding in findings:
        report(finding.message, finding.resource or None)
    if opinions and not findings:
        args.not_applicable(WAITS)
