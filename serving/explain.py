"""A refused file for people -> the most telling complaint in words: file, line, field, what it held and may hold."""

import difflib
import re
from collections.abc import Sequence
from typing import get_args

import yaml
from pydantic import BaseModel, ValidationError

from model.errors import UserError

Place = tuple[int | str, ...]
_FIELD = re.compile(r"^([a-z_][\w.-]*): ")


def explain(error: ValidationError, place: str, *, form: type[BaseModel], text: str = "") -> UserError:
    """Put the first thing that is wrong into words.

    Args:
        error: what pydantic found.
        place: what to call the file.
        form: what the file as a whole should have been.
        text: the file's contents, to name the line; empty where there is no file.
    """
    first = min(error.errors(), key=lambda detail: detail["type"] != "extra_forbidden")
    path = ".".join(str(part) for part in first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "value_error":
        where = _where(place, text, (*first["loc"], *_field_of(message)))
        joint = ("." if _FIELD.match(message) else ": ") if path else ""
        return UserError(f"{where}: {path}{joint}{message}", hint="mend the file, or use a verb")
    where = _where(place, text, first["loc"])
    allowed = ", ".join(fields_at(form, first["loc"][:-1]))
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(str(first["loc"][-1]), allowed.split(", "), n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"allowed are: {allowed}"
        return UserError(f"{where}: {path}: no such field (got {first['loc'][-1]})", hint=hint)
    got = "nothing" if first["type"] == "missing" else repr(first["input"])
    return UserError(f"{where}: {path or 'file'}: {message} (got {got})", hint=f"the fields there are: {allowed}")


def line_of(text: str, path: Sequence[int | str]) -> int | None:
    """The line, counted from 1, of the deepest part of a path that the YAML text has; None where it has none."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line: int | None = None
    for step in path:
        # A step that is not there is the kind of a part, or a field that is missing.
        if (found := _child(node, step)) is not None:
            node, line = found
    return line


def fields_at(form: type[BaseModel], place: Place) -> list[str]:
    """Names of the fields that are allowed at a place of the file."""
    owners: list[type[BaseModel]] = [form]
    for step in place:
        fields = [owner.model_fields[str(step)] for owner in owners if str(step) in owner.model_fields]
        # Any other step chooses within what is there: a position, a version's name, the kind of scaling.
        owners = [part for field in fields for part in _parts(field.annotation)] or [
            owner for owner in owners if str(step) in _kinds(owner)
        ] or owners  # fmt: skip
    return list(dict.fromkeys(field.alias or name for owner in owners for name, field in owner.model_fields.items()))


def _where(place: str, text: str, path: Place) -> str:
    line = line_of(text, path) if text else None
    return f"`{place}:{line}`" if line else f"`{place}`"


def _field_of(message: str) -> Place:
    """`candidate.digest: was rejected` -> the path that it begins with."""
    found = _FIELD.match(message)
    return tuple(int(step) if step.isdigit() else step for step in found.group(1).split(".")) if found else ()


def _child(node: yaml.Node | None, step: int | str) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step].start_mark.line + 1
    return None


def _parts(annotation: object) -> list[type[BaseModel]]:
    """The parts of the file that a field of this type holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for inner in get_args(annotation) for part in _parts(inner)]


def _kinds(owner: type[BaseModel]) -> tuple[object, ...]:
    """What the field `kind` of a part may hold."""
    return get_args(owner.model_fields["kind"].annotation) if "kind" in owner.model_fields else ()
