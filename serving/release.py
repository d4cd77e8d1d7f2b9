"""The release file: the only truth about which versions of an endpoint serve, and with what share of the traffic.

`stacks/releases/<env>/<endpoint>.yaml` <-> `Release`; `release_verbs` leads from one to the next.
"""

import difflib
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from model.errors import UserError

SCHEMA: Literal["stillhouse.release/v1"] = "stillhouse.release/v1"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$")]
"""At most 32 characters that are also good for Kubernetes, Envoy and a folder, e.g. `v2`."""
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Registered(_Part):
    """A version that may serve: its name never means another digest again."""

    digest: Digest
    uri: str = Field(min_length=1)
    """Where the Triton repository lies: a folder relative to the checkout, `file://` or `s3://`."""
    registered: AwareDatetime


class Stable(_Part):
    """The version that takes whatever the candidate does not."""

    version: Name
    digest: Digest


class Candidate(_Part):
    """The version on trial."""

    version: Name
    digest: Digest
    weight: int = Field(ge=1, le=99)
    """Percent of the requests."""


class Rejected(_Part):
    """A digest that was rolled back and never serves again, under whatever name."""

    digest: Digest
    version: Name
    reason: str


class Release(_Part):
    """What the file says; construction refuses a file that contradicts itself."""

    schema_: Literal["stillhouse.release/v1"] = Field(default=SCHEMA, alias="schema")
    endpoint: Name
    versions: Mapping[Name, Registered] = Field(default_factory=dict)
    stable: Stable | None = None
    candidate: Candidate | None = None
    rejected: tuple[Rejected, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for place, serving in (("stable", self.stable), ("candidate", self.candidate)):
            if serving is not None:
                self._check_serving(place, serving)
        if self.candidate and not self.stable:
            raise ValueError("candidate: needs a stable version for the rest of the traffic (got stable: null)")
        if self.candidate and self.stable and self.candidate.digest == self.stable.digest:
            raise ValueError(f"candidate.digest: is the stable digest (got {self.candidate.digest[:19]})")
        return self

    def _check_serving(self, place: str, serving: Stable | Candidate) -> None:
        known = self.versions.get(serving.version)
        if known is None:
            names = ", ".join(self.versions) or "none"
            raise ValueError(f"{place}.version: not registered (got {serving.version}); registered are: {names}")
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
    return yaml.safe_dump(release.model_dump(by_alias=True, mode="python"), sort_keys=False, allow_unicode=True)


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
        return UserError(f"`{place}`: {message}", hint="mend the file, or take the verb that does it")
    allowed = ", ".join(_fields_at(first["loc"][:-1]))
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(str(first["loc"][-1]), allowed.split(", "), n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"allowed are: {allowed}"
        return UserError(f"`{place}`: {path}: no such field (got {first['loc'][-1]})", hint=hint)
    got = "nothing" if first["type"] == "missing" else repr(first["input"])
    return UserError(f"`{place}`: {path or 'file'}: {message} (got {got})", hint=f"the fields there are: {allowed}")


def _fields_at(place: tuple[int | str, ...]) -> list[str]:
    """Names of the fields that are allowed at a place of the file."""
    parts: dict[str, type[BaseModel]] = {
        "versions": Registered, "stable": Stable, "candidate": Candidate, "rejected": Rejected
    }  # fmt: skip
    owner = parts[str(place[0])] if place else Release
    return [field.alias or name for name, field in owner.model_fields.items()]
