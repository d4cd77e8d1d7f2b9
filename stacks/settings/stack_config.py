"""`StackConfig`: a stack's configuration before it is checked, from its file or from the running program."""

import json
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime import config as pulumi_config

from model.errors import UserError

PROJECT = "stillhouse"
STACKS_FOLDER = Path(__file__).parents[1]
"""Holds the stack files, as `stackConfigDir` of Pulumi.yaml says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StackConfig:
    """Keys with their namespace, e.g. `stillhouse:tier`, and what they hold."""

    place: str
    """What to call it in messages: the file."""
    values: Mapping[str, object]
    """Decoded values; what is encrypted is not among them."""
    secret_keys: frozenset[str]
    """Keys whose value is encrypted."""

    def own(self) -> dict[str, object]:
        """The project's own plain values without their namespace."""
        prefix = f"{PROJECT}:"
        return {key.removeprefix(prefix): value for key, value in self.values.items() if key.startswith(prefix)}

    def as_pulumi(self) -> dict[str, str]:
        """The plain values as Pulumi hands them to a program: strings, and JSON for what has parts."""
        return {key: value if isinstance(value, str) else json.dumps(value) for key, value in self.values.items()}


def config_of_file(path: Path) -> StackConfig:
    """Read a stack file.

    Raises:
        UserError: unreadable, not YAML, a key that stands twice, or a secret inside a section.
    """
    place = f"{path.parent.name}/{path.name}"
    try:
        document = yaml.load(path.read_text(), Loader=_UniqueKeys)  # noqa: S506
    except OSError as error:
        raise UserError(
            f"cannot read the stack file `{place}`: {error.strerror}", hint="see stacks/ for them"
        ) from error
    except yaml.YAMLError as error:
        raise UserError(f"`{place}` is not YAML: {error}", hint="`git diff` shows what changed") from error
    entries = document.get("config") if isinstance(document, dict) else None
    if not isinstance(entries, dict) or not all(isinstance(key, str) for key in entries):
        raise UserError(
            f"`{place}` has no configuration (got {type(entries).__name__})", hint="it begins with `config:`"
        )
    secrets = frozenset(key for key, value in entries.items() if _is_encrypted(value))
    values = {key: value for key, value in entries.items() if key not in secrets}
    for key, value in values.items():
        _refuse_nested_secret(value, f"`{place}`: {key}")
    return StackConfig(place=place, values=values, secret_keys=secrets)


def config_of_program() -> StackConfig:
    """The configuration of the program that runs now."""
    strings = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
    secret = frozenset(
        {*pulumi_config.get_config_secret_keys_env(), *(key for key in strings if pulumi_config.is_config_secret(key))}
    )
    return StackConfig(
        place=f"{STACKS_FOLDER.name}/Pulumi.{pulumi.get_stack()}.yaml",
        values={key: _decoded(value) for key, value in strings.items() if key not in secret},
        secret_keys=secret,
    )


def _decoded(text: str) -> object:
    """Sections come as JSON; a scalar at the top of the file comes as its words."""
    return json.loads(text) if text[:1] in {"{", "["} else text


def _is_encrypted(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}


def _refuse_nested_secret(value: object, place: str) -> None:
    """Pulumi would make the whole section a secret; each secret has a key of its own."""
    if _is_encrypted(value):
        hint = f"`pulumi config set --secret {PROJECT}:NAME` gives it a key of its own"
        raise UserError(f"{place}: a secret inside a section (got secure: ...)", hint=hint)
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        _refuse_nested_secret(inner, f"{place}.{key}")


@contextmanager
def refused_in(place: str) -> Iterator[None]:
    """What a component refuses is the user's to mend, in the file of the stack.

    Raises:
        UserError: instead of any other ValueError, with the file's name.
    """
    try:
        yield
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"`{place}`: {error}", hint="docs/settings.md has every key of the file") from error


class _UniqueKeys(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key `{key}` stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)
