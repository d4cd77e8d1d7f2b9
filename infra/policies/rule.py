"""A rule: one sentence, one pure function, the places it comes from, and what it finds in a stack."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from infra.policies.judged import UNKNOWN, Judged, Maybe, Unknown, Value, has_unknown


class Level(StrEnum):
    """What a violation does to an update."""

    ADVISORY = "advisory"
    MANDATORY = "mandatory"


Complaints = Iterator[str | Unknown]
"""A message for each violation; UNKNOWN where something cannot be told before the update."""
StackComplaints = Iterator[tuple[Judged | None, str | Unknown]]
"""The same with the resource that each is about; None is the stack as a whole."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A violation."""

    rule: str
    level: Level
    resource: str
    """URN; empty for the stack as a whole."""
    message: str
    source: str
    """Where the rule comes from, e.g. `CIS EKS 5.4.1, CKV_AWS_39`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Undecided:
    """A rule that cannot judge a resource before the update."""

    rule: str
    resource: str


Opinion = Finding | Undecided


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """What every rule says of itself; `ResourceRule` and `StackRule` judge."""

    name: str
    sentence: str
    level: Level
    sources: tuple[str, ...]
    """Ids of published controls and guides."""
    row: int | None
    """Number in the list of 64 security checks that the project keeps; None for a rule beyond the list."""

    @property
    def source(self) -> str:
        """The sources in one line."""
        return ", ".join(self.sources)

    def applies(self, resources: Sequence[Judged]) -> bool:
        """Whether there is anything for the rule to judge."""
        raise NotImplementedError

    def opinions(self, resources: Sequence[Judged]) -> Iterator[Opinion]:
        """Violations, and what cannot be told; nothing where all is well."""
        raise NotImplementedError

    def _opinion(self, resource: Judged | None, complaint: str | Unknown) -> Opinion:
        urn = resource.urn if resource else ""
        if complaint is UNKNOWN:
            return Undecided(rule=self.name, resource=urn)
        assert isinstance(complaint, str)
        return Finding(rule=self.name, level=self.level, resource=urn, message=complaint, source=self.source)


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceRule(Rule):
    """A rule that needs one resource at a time."""

    of: frozenset[str]
    """Kinds (see `Judged.kind`) that it judges."""
    check: Callable[[Judged], Complaints]

    def applies(self, resources: Sequence[Judged]) -> bool:
        """Whether one of its kinds is there."""
        return any(resource.kind in self.of for resource in resources)

    def opinions(self, resources: Sequence[Judged]) -> Iterator[Opinion]:
        """Judge each resource of its kinds."""
        for resource in resources:
            if resource.kind in self.of:
                for complaint in self.check(resource):
                    yield self._opinion(resource, complaint)


@dataclass(frozen=True, kw_only=True, slots=True)
class StackRule(Rule):
    """A rule about how resources go together."""

    of: frozenset[str]
    """Kinds without which it has nothing to say."""
    check: Callable[[Sequence[Judged]], StackComplaints]

    def applies(self, resources: Sequence[Judged]) -> bool:
        """Whether one of the kinds that it is about is there."""
        return any(resource.kind in self.of for resource in resources)

    def opinions(self, resources: Sequence[Judged]) -> Iterator[Opinion]:
        """Judge the stack."""
        if self.applies(resources):
            for resource, complaint in self.check(resources):
                yield self._opinion(resource, complaint)


def resource_rule(
    *, of: Iterable[str], row: int | None, sources: Sequence[str], level: Level = Level.MANDATORY
) -> Callable[[Callable[[Judged], Complaints]], ResourceRule]:
    """Make a rule of a function: its name with dashes is the rule's, its docstring the sentence."""

    def make(check: Callable[[Judged], Complaints]) -> ResourceRule:
        return ResourceRule(**_said(check), level=level, sources=tuple(sources), row=row, of=frozenset(of), check=check)

    return make


def stack_rule(
    *, of: Iterable[str], row: int | None, sources: Sequence[str], level: Level = Level.MANDATORY
) -> Callable[[Callable[[Sequence[Judged]], StackComplaints]], StackRule]:
    """The same for a function of the whole stack."""

    def make(check: Callable[[Sequence[Judged]], StackComplaints]) -> StackRule:
        return StackRule(**_said(check), level=level, sources=tuple(sources), row=row, of=frozenset(of), check=check)

    return make


def _said(check: Callable[..., object]) -> dict[str, str]:
    assert check.__doc__, f"{check.__name__} needs a docstring: it is the rule's sentence"
    return {"name": check.__name__.replace("_", "-"), "sentence": " ".join(check.__doc__.split())}


def holds(value: Value, test: Callable[[Value], object]) -> Maybe:
    """Whether the value passes the test; not to be told where something inside is unknown."""
    return UNKNOWN if has_unknown(value) else bool(test(value))


def expect(outcome: Maybe, message: str) -> Complaints:
    """Complain where the outcome is false."""
    if outcome is UNKNOWN:
        yield UNKNOWN
    elif outcome is False:
        yield message


def expect_is(value: Value, wanted: Value, what: str) -> Complaints:
    """Complain where a value is not the wanted one: `<what> must be <wanted> (got <value>)`."""
    yield from expect(
        holds(value, lambda known: known == wanted), f"{what} must be {shown(wanted)} (got {shown(value)})"
    )


def of_kind(resources: Sequence[Judged], *kinds: str) -> list[Judged]:
    """The resources of these kinds, in the stack's order."""
    return [resource for resource in resources if resource.kind in kinds]


def shown(value: Value) -> str:
    """A value for a message: short, and none of Python's own marks."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, (list, tuple)):
        value = ", ".join(shown(item) for item in value) or "an empty list"
    text = str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
