"""A release file -> who answers for a model, in the gateway's own terms; `envoy_routes` makes Envoy's routes of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from serving.release import Release
from serving.release_match import ByEntity, ByHeader

_CHOSEN = "_chosen"
"""No version's name ends so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeaderRule:
    """Requests with this header and value go to one version."""

    header: str
    value: str
    version: str
    role: str | None = None
    """That the caller's token must have; None is whoever may call at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EntityRule:
    """Requests with this header are split by its hash, so that one value always gets the same version.

    The candidate has the lowest hashes: a larger share only adds entities to it.
    """

    header: str
    salt: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Copies:
    """A version that gets copies of requests."""

    version: str
    percent: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long the gateway waits, and how often it tries again."""

    total_s: float
    """From the whole request to the whole answer, further attempts included; later is a 504."""
    retries: int = 2
    """Further attempts, each only after one that reached no model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Routing:
    """Who answers for a model."""

    model_name: str
    weights: Mapping[str, int]
    """Version -> percent of what no rule decides; empty means that nobody answers."""
    patience: Patience
    candidate: str | None = None
    rules: tuple[HeaderRule | EntityRule, ...] = ()
    """The first that holds decides."""
    shadow: Copies | None = None
    previous: str | None = None
    """What was stable before, with or without weight; it runs on until the promotion is confirmed."""
    compares_candidate: bool = False
    """Whether the candidate's answers are compared with the stable version's, since its plan judges by them."""

    @property
    def versions(self) -> tuple[str, ...]:
        """All that run."""
        rest = [self.candidate, self.previous, self.shadow.version if self.shadow else None]
        return tuple(dict.fromkeys([*self.weights, *(name for name in rest if name)]))

    @property
    def stable(self) -> str:
        """Who takes what cannot be split."""
        return next(iter(self.weights))

    @property
    def compared(self) -> Copies | None:
        """Whose answers are compared with the stable version's, and for how many of the requests."""
        if self.candidate and self.compares_candidate:
            return Copies(version=self.candidate, percent=100)
        return self.shadow

    def by_hash(self) -> dict[str, int]:
        """Weights in the order of the hashes: the candidate at the low end, what was stable before at the high one."""
        return dict(sorted(self.weights.items(), key=lambda item: item[0] != self.candidate))

    def __str__(self) -> str:
        """`v1 90 %, v2 10 %, v3 gets copies of 100 %`."""
        parts = [f"{name} {weight} %" for name, weight in self.weights.items()]
        if self.candidate and self.candidate not in self.weights:
            parts.append(f"{self.candidate} for those that a rule names")
        if self.candidate and self.compares_candidate:
            parts.append(f"{self.candidate} compared with {self.stable}")
        if self.shadow:
            parts.append(f"{self.shadow.version} gets copies of {self.shadow.percent} %")
        return ", ".join(parts) or "nothing"


def routing_of(release: Release, *, model_name: str, patience: Patience) -> Routing:
    """What the file asks of the gateway."""
    candidate, shadow = release.candidate, release.shadow
    return Routing(
        model_name=model_name,
        weights=release.weights(),
        patience=patience,
        candidate=candidate.version if candidate else None,
        rules=tuple(_rule(rule, candidate.version) for rule in candidate.match) if candidate else (),
        previous=release.previous.version if release.previous else None,
        shadow=Copies(version=shadow.version, percent=shadow.percent) if shadow else None,
        compares_candidate=candidate is not None and release.plan is not None and release.plan.compares,
    )


def chosen(version: str) -> str:
    """Name under which Envoy counts requests that were sent to a version because somebody chose it, not chance.

    They are kept apart, since they would bias a comparison of those that chance sent.
    """
    return f"{version}{_CHOSEN}"


def _rule(rule: ByHeader | ByEntity, candidate: str) -> HeaderRule | EntityRule:
    if isinstance(rule, ByEntity):
        return EntityRule(header=rule.header, salt=rule.salt)
    return HeaderRule(header=rule.header, value=rule.value, version=candidate, role=rule.role)
