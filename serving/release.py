"""The release file: the only truth about which versions of an endpoint serve, and with what share of the traffic.

`stacks/releases/<env>/<endpoint>.yaml` <-> `Release`; `release_verbs` leads from one to the next.
"""

import difflib
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, ValidationError, model_validator

from model.errors import UserError
from serving.part import Part
from serving.resources import Resources

SCHEMA: Literal["stillhouse.release/v1"] = "stillhouse.release/v1"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$")]
"""At most 32 characters that are also good for Kubernetes, Envoy and a folder, e.g. `v2`."""
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class Registered(Part):
    """A version that may serve: its name never means another digest again."""

    digest: Digest
    uri: str = Field(min_length=1)
    """Where the Triton repository lies: a folder relative to the checkout (on a cluster: to the platform's artifacts),
    `file://` or `s3://`."""
    registered: AwareDatetime


class Stable(Part):
    """The version that takes whatever the candidate does not."""

    version: Name
    digest: Digest


class Candidate(Part):
    """The version on trial."""

    version: Name
    digest: Digest
    weight: int = Field(ge=1, le=99)
    """Percent of the requests."""


class Rejected(Part):
    """A digest that was rolled back and never serves again, under whatever name."""

    digest: Digest
    version: Name
    reason: str


class Release(Part):
    """What the file says; construction refuses a file that contradicts itself."""

    schema_: Literal["stillhouse.release/v1"] = Field(default=SCHEMA, alias="schema")
    endpoint: Name
    versions: Mapping[Name, Registered] = Field(default_factory=dict)
    stable: Stable | None = None
    candidate: Candidate | None = None
    rejected: tuple[Rejected, ...] = Field(default=(), strict=False)
    warm: tuple[Name, ...] = Field(default=(), strict=False)
    """Versions that a cluster keeps running without any traffic, ready for it."""
    resources: Resources | None = None
    """What a cluster gives each version; a cluster needs it, the twin does not read it."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for version in self.warm:
            self._check_warm(version)
        for place, serving in (("stable", self.stable), ("candidate", self.candidate)):
            if serving is not None:
                self._check_serving(place, serving)
        if self.candidate and not self.stable:
            raise ValueError("candidate: needs a stable version for the rest of the traffic (got stable: null)")
        if self.candidate and self.stable and self.candidate.digest == self.stable.digest:
            raise ValueError(f"candidate.digest: is the stable digest (got {self.candidate.digest[:19]})")
        return self

    def _check_warm(self, version: str) -> None:
        digest = self._registered("warm", version).digest
        if self.is_rejected(digest):
            raise ValueError(f"warm: the digest of {version} was rejected (got {digest[:19]})")
        if self.warm.count(version) > 1 or version in self.weights():
            raise ValueError(f"warm: {version} runs already (got it again)")

    def _registered(self, place: str, version: str) -> Registered:
        known = self.versions.get(version)
        if known is None:
            names = ", ".join(self.versions) or "none"
            raise ValueError(f"{place}: not registered (got {version}); registered are: {names}")
        return known

    def _check_serving(self, place: str, serving: Stable | Candidate) -> None:
        known = self._registered(f"{place}.version", serving.version)
        if known.digest != serving.digest:
            raise ValueError(
                f"{place}.digest: {serving.version} is registered as {known.digest[:19]} (got {serving.digest[:19]})"
            )
        if self.is_rejected(serving.digest):
            raise ValueError(f"{place}.digest: was rejected (got {serving.digest[:19]})")

    def is_rejected(self, digest: str) -> bool:
        """Whether this digest was ever rolled back."""
        return any(entry.digest == digest for entry in self.rejected)

    def weights(self) -> dict[str, int]:
        """Version -> percent; they add up to 100, or nothing serves."""
        if self.stable is None:
            return {}
        if self.candidate is None:
            return {self.stable.version: 100}
        return {self.stable.version: 100 - self.candidate.weight, self.candidate.version: self.candidate.weight}

    def arms(self) -> dict[str, int]:
        """Version -> percent of all that run, with 0 for the warm ones."""
        return self.weights() | dict.fromkeys(self.warm, 0)


def parse_release(text: str, *, place: str) -> Release:
    """YAML text -> Release.

    Args:
        text: the file's contents.
        place: what to call it in messages.

    Raises:
        UserError: not YAML, a repeated key, or not of this form; names the field, what it held and what is allowed.
    """
    try:
        return Release.model_validate(yaml.load(text, Loader=_UniqueKeys))  # noqa: S506
    except yaml.YAMLError as error:
        hint = "`git diff` and `git log -p` show the last good form"
        raise UserError(f"`{place}` is not YAML: {error}", hint=hint) from error
    except ValidationError as error:
        raise explain(error, place) from error


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
    return parse_release(text, place=str(path))


def release_text(release: Release) -> str:
    """The file's contents; `parse_release` gives the same Release back."""
    fields = release.model_dump(by_alias=True, mode="python")
    silent = {name for name in ("warm", "resources") if not fields[name]}
    kept = {name: value for name, value in fields.items() if name not in silent}
    return yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)


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


def explain(error: ValidationError, place: str) -> UserError:
    """The most telling complaint in words: field path, what it held, what is allowed, and a hint."""
    first = min(error.errors(), key=lambda detail: detail["type"] != "extra_forbidden")
    path = ".".join(str(part) for part in first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "value_error":
        return UserError(f"`{place}`: {path + '.' if path else ''}{message}", hint="mend the file, or use a verb")
    allowed = ", ".join(_fields_at(first["loc"][:-1]))
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(str(first["loc"][-1]), allowed.split(", "), n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"allowed are: {allowed}"
        return UserError(f"`{place}`: {path}: no such field (got {first['loc'][-1]})", hint=hint)
    got = "nothing" if first["type"] == "missing" else repr(first["input"])
    return UserError(f"`{place}`: {path or 'file'}: {message} (got {got})", hint=f"the fields there are: {allowed}")


def _fields_at(place: tuple[int | str, ...]) -> list[str]:
    """Names of the fields that are allowed at a place of the file."""
    owners: list[type[BaseModel]] = [Release]
    for step in place:
        fields = [owner.model_fields[str(step)] for owner in owners if str(step) in owner.model_fields]
        # Any other step chooses within what is there: a position, a version's name, the kind of scaling.
        owners = [part for field in fields for part in _parts(field.annotation)] or [
            owner for owner in owners if str(step) in _kinds(owner)
        ] or owners  # fmt: skip
    return list(dict.fromkeys(field.alias or name for owner in owners for name, field in owner.model_fields.items()))


def _parts(annotation: object) -> list[type[BaseModel]]:
    """The parts of the file that a field of this type holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for inner in get_args(annotation) for part in _parts(inner)]


def _kinds(owner: type[BaseModel]) -> tuple[object, ...]:
    """What the field `kind` of a part may hold."""
    return get_args(owner.model_fields["kind"].annotation) if "kind" in owner.model_fields else ()
