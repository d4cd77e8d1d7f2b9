"""The release file: the only truth about which versions of an endpoint serve, and with what share of the traffic.

`stacks/releases/<env>/<endpoint>.yaml` <-> `Release`; `release_verbs` leads from one to the next.
"""

from collections.abc import Hashable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from model.errors import UserError
from serving.explain import explain
from serving.judge.plan import Plan, Step
from serving.part import Part
from serving.release_parts import Candidate, Hold, Name, Previous, Registered, Rejected, Shadow, Stable, Verification
from serving.release_traffic import contradiction
from serving.resources import Resources

SCHEMA: Literal["stillhouse.release/v1"] = "stillhouse.release/v1"
_ALWAYS = ("schema", "endpoint", "versions", "stable", "candidate", "rejected")
"""What every file says, even if it is nothing."""


class Release(Part):
    """What the file says; construction refuses one that contradicts itself, or whose plan its traffic cannot meet."""

    schema_: Literal["stillhouse.release/v1"] = Field(default=SCHEMA, alias="schema")
    endpoint: Name
    versions: Mapping[Name, Registered] = Field(default_factory=dict)
    """All that were ever registered, by name."""
    stable: Stable | None = None
    candidate: Candidate | None = None
    rejected: tuple[Rejected, ...] = Field(default=(), strict=False)
    """Digests that were rolled back, and that no person cleared since."""
    previous: Previous | None = None
    """What the stable version relieved, until labels confirm that it may."""
    shadow: Shadow | None = None
    """Gets copies of requests."""
    warm: tuple[Name, ...] = Field(default=(), strict=False)
    """Versions that a cluster keeps running without any traffic, ready for it."""
    hold: Hold | None = None
    """Who keeps the traffic as it is, and why."""
    expected_rate_per_second: float | None = Field(default=None, gt=0)
    """Requests to the endpoint in a second, at a quiet hour; a plan is measured by it."""
    plan: Plan | None = None
    """The steps of a candidate's traffic, and what is measured at each; without one only people move it."""
    verification: Verification | None = None
    """How labels confirm a promotion; without it a relieved version keeps no traffic, and a person confirms."""
    resources: Resources | None = None
    """What a cluster gives each version; a cluster needs it, the twin does not read it."""

    @field_validator("candidate", mode="before")
    @classmethod
    def _one_at_a_time(cls, given: object) -> object:
        if isinstance(given, list):
            raise ValueError(f"one at a time (got {len(given)})")
        return given

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for version in self.warm:
            self._check_warm(version)
        for place, one in self.places().items():
            self._check_known(place, one)
        if self.stable is None and (others := [place for place in self.places() if place != "stable"]):
            raise ValueError(f"{others[0]}: needs a stable version for the rest of the traffic (got stable: null)")
        self._check_different()
        self._check_shares()
        self._check_plan()
        return self

    def _check_warm(self, version: str) -> None:
        digest = self._registered("warm", version).digest
        if self.is_rejected(digest):
            raise ValueError(f"warm: the digest of {version} was rejected (got {digest[:19]})")
        if self.warm.count(version) > 1 or any(version == one.version for one in self.places().values()):
            raise ValueError(f"warm: {version} runs already (got it again)")

    def _registered(self, place: str, version: str) -> Registered:
        known = self.versions.get(version)
        if known is None:
            names = ", ".join(self.versions) or "none"
            raise ValueError(f"{place}: not registered (got {version}); registered are: {names}")
        return known

    def _check_known(self, place: str, one: Stable | Candidate | Previous | Shadow) -> None:
        known = self._registered(f"{place}.version", one.version)
        if known.digest != one.digest:
            raise ValueError(
                f"{place}.digest: {one.version} is registered as {known.digest[:19]} (got {one.digest[:19]})"
            )
        if self.is_rejected(one.digest):
            raise ValueError(f"{place}.digest: was rejected (got {one.digest[:19]})")

    def _check_different(self) -> None:
        """Two names of one digest would be compared with each other, and are one thing on a cluster."""
        seen: dict[str, str] = {}
        for place, one in self.places().items():
            if one.digest in seen:
                raise ValueError(f"{place}.digest: is the {seen[one.digest]} digest (got {one.digest[:19]})")
            seen[one.digest] = place

    def _check_shares(self) -> None:
        candidate = self.candidate
        if candidate and candidate.weight == 0 and not any(rule.kind == "header" for rule in candidate.match):
            raise ValueError("candidate.weight: 0 needs a rule on a header, or nobody gets it (got 0)")
        weight, kept = candidate.weight if candidate else 0, self.previous.weight if self.previous else 0
        if weight + kept > 99:
            raise ValueError(
                f"candidate.weight: with previous.weight, {kept}, leaves the stable version nothing (got {weight})"
            )

    def _check_plan(self) -> None:
        if self.plan is None:
            return
        kept = max(self.hold_back, self.previous.weight if self.previous else 0)
        if (largest := self.plan.steps[-1].weight) + kept > 99:
            raise ValueError(
                f"verification.hold_back: with the plan's largest weight, {largest:g}, leaves the stable version "
                f"nothing (got {kept})"
            )
        if complaint := contradiction(self.plan, self.expected_rate_per_second, kept=kept):
            raise ValueError(complaint)

    @property
    def hold_back(self) -> int:
        """Percent of the requests that a relieved version keeps."""
        return self.verification.hold_back if self.verification else 0

    def places(self) -> dict[str, Stable | Candidate | Previous | Shadow]:
        """Field -> who is named there, each of which runs: stable, candidate, previous, shadow."""
        named = {"stable": self.stable, "candidate": self.candidate, "previous": self.previous, "shadow": self.shadow}
        return {place: one for place, one in named.items() if one is not None}

    def is_rejected(self, digest: str) -> bool:
        """Whether this digest was rolled back, and nobody cleared it since."""
        return any(entry.digest == digest for entry in self.rejected)

    def weights(self) -> dict[str, int]:
        """Version -> percent, for all that have some; they add up to 100, or nothing serves."""
        if self.stable is None:
            return {}
        others = {one.version: one.weight for one in (self.candidate, self.previous) if one and one.weight}
        return {self.stable.version: 100 - sum(others.values()), **others}

    def arms(self) -> dict[str, int]:
        """Version -> percent of all that run: 0 for those that only listen, wait, or are asked for by a header."""
        idle = [*(one.version for one in self.places().values()), *self.warm]
        return {version: self.weights().get(version, 0) for version in dict.fromkeys([*self.weights(), *idle])}

    def step(self) -> Step | None:
        """The plan's step that the candidate is at: the last one whose weight it has reached, or else the first."""
        if self.plan is None or self.candidate is None:
            return None
        reached = [step for step in self.plan.steps if step.weight <= self.candidate.weight]
        return reached[-1] if reached else self.plan.steps[0]

    def next_step(self) -> Step | None:
        """The plan's first step with more weight than the candidate has; None where only promotion is left."""
        if self.plan is None or self.candidate is None:
            return None
        return next((step for step in self.plan.steps if step.weight > self.candidate.weight), None)


def parse_release(text: str, *, place: str) -> Release:
    """YAML text -> Release.

    Args:
        text: the file's contents.
        place: what to call it in messages.

    Raises:
        UserError: not YAML, a repeated key, or not of this form; names the line, the field, what it held and what is
            allowed.
    """
    try:
        return Release.model_validate(yaml.load(text, Loader=_UniqueKeys))  # noqa: S506
    except yaml.YAMLError as error:
        hint = "`git diff` and `git log -p` show the last good form"
        raise UserError(f"`{place}` is not YAML: {error}", hint=hint) from error
    except ValidationError as error:
        raise explain(error, place, form=Release, text=text) from error


def read_release(path: Path) -> Release:
    """Read a release file.

    Raises:
        UserError: unreadable or malformed.
    """
    try:
        text = path.read_text()
    except OSError as error:
        raise UserError(
            f"cannot read the release file `{path}`: {error.strerror}", hint="`register` a version to create it"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"`{path}` is not text: {error}", hint="`git checkout HEAD -- FILE` brings it back") from error
    return parse_release(text, place=str(path))


def release_text(release: Release, *, before: str = "") -> str:
    """The file's contents; `parse_release` gives the same Release back.

    Args:
        release: what it says.
        before: the contents that it takes the place of; the comment at their top is kept.
    """
    told = _plain(release.model_dump(by_alias=True, exclude_defaults=True))
    whole = _plain(release.model_dump(by_alias=True))
    fields = {name: told.get(name, whole[name]) for name in _ALWAYS} | told
    return _comment(before) + yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)


def _comment(text: str) -> str:
    lines = text.splitlines(keepends=True)
    above = next((number for number, line in enumerate(lines) if line.strip() and not line.startswith("#")), 0)
    return "".join(lines[:above])


def _plain(value: Any) -> Any:  # noqa: ANN401 -- whatever a part may hold
    """Only what YAML has a form for; times stay times."""
    match value:
        case Mapping():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case tuple() | list():
            return [_plain(inner) for inner in value]
        case str():
            return str(value)
        case None | bool() | int() | float() | datetime():
            return value
        case _:
            raise AssertionError(f"no form in YAML for {value!r}")


class _UniqueKeys(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys in silence; a bad merge must not pick the traffic."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key `{key}` stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)
