"""What pydantic says about a stack file, in the project's form: file, key, value, what is allowed, and a hint."""

import difflib
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from model.errors import UserError

Place = tuple[int | str, ...]


def explain(error: ValidationError, *, place: str, model: type[BaseModel], prefix: str) -> UserError:
    """The most telling complaint.

    Args:
        error: what pydantic found.
        place: the file.
        model: what was to be read.
        prefix: of every key, e.g. `stillhouse:`.
    """
    first = min(error.errors(), key=lambda detail: detail["type"] != "extra_forbidden")
    where, owner, field = _resolve(model, first["loc"])
    key = f"`{place}`: {prefix}{'.'.join(where)}"
    allowed = ", ".join(owner.model_fields) if owner else ""
    if first["type"] == "extra_forbidden":
        return unknown_key(key, where[-1], list(owner.model_fields) if owner else [])
    if first["type"] == "missing":
        return UserError(
            f"{key} is missing (got nothing); the keys there are: {allowed}", hint=_meaning(owner, where[-1])
        )
    message = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] in {"literal_error", "union_tag_invalid", "union_tag_not_found"}:
        return _not_of_set(key, first, field, _meaning(owner, where[-1]))
    if not where:
        # A rule between sections names the key itself.
        return UserError(f"{key}{message}")
    got = "" if "(got " in message else f" (got {first['input']!r})"
    return UserError(f"{key}: {message}{got}", hint=_meaning(owner, where[-1]))


def unknown_key(key: str, name: str, allowed: list[str]) -> UserError:
    """A key that does not exist, with the nearest one that does."""
    return UserError(
        f"{key}: no such setting (got {name}); allowed are: {', '.join(allowed)}", hint=closest(name, allowed)
    )


def closest(name: str, allowed: list[str]) -> str:
    """`did you mean ...`, or nothing where no word is near."""
    found = difflib.get_close_matches(name, allowed, n=1)
    return f"did you mean `{found[0]}`?" if found else ""


def _not_of_set(key: str, detail: ErrorDetails, field: object, meaning: str) -> UserError:
    if detail["type"] == "literal_error":
        allowed, got = literals(field), str(detail["input"])
    else:
        allowed = [tag for member in _members(field) for tag in _tags(member)]
        got = str(detail.get("ctx", {}).get("tag", "nothing"))
        key = f"{key}.kind"
    return UserError(
        f"{key}: not allowed (got {got}); allowed are: {', '.join(allowed)}", hint=closest(got, allowed) or meaning
    )


def literals(annotation: object) -> list[str]:
    """The words of a Literal, wherever in the annotation it stands."""
    if get_origin(annotation) is Literal:
        return [str(word) for word in get_args(annotation)]
    return [word for inner in get_args(annotation) for word in literals(inner)]


def _meaning(owner: type[BaseModel] | None, name: str) -> str:
    field = owner.model_fields.get(name) if owner else None
    return field.description or "" if field else ""


def _resolve(model: type[BaseModel], loc: Place) -> tuple[list[str], type[BaseModel] | None, object]:
    """Path as the file has it (without the tags of unions), the model that owns its last key, and that key's type."""
    path: list[str] = []
    owner: type[BaseModel] | None = model
    here: object = model
    for part in loc:
        tagged = [member for member in _members(here) if part in _tags(member)]
        if tagged and not isinstance(here, type):
            here = tagged[0]
            continue
        path.append(str(part))
        models = _members(here)
        if models:
            owner = models[0]
            here = owner.model_fields[str(part)].annotation if str(part) in owner.model_fields else None
        elif get_args(here):
            here = next(inner for inner in reversed(get_args(here)) if inner is not Ellipsis)
    return path, owner, here


def _tags(member: type[BaseModel]) -> list[str]:
    """What `kind` may say in a member of a tagged union; nothing in any other model."""
    return literals(member.model_fields["kind"].annotation) if "kind" in member.model_fields else []


def _members(annotation: object) -> list[type[BaseModel]]:
    """The models that an annotation allows: one, or those of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return [member for inner in get_args(annotation) for member in _members(inner)]
    return []
