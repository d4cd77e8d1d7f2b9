"""docs/settings.md from the settings' types: every key with what it allows, its default by tier, and its meaning."""

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from stacks.releases_settings import ReleasesSettings
from stacks.settings.secret_settings import SECRETS
from stacks.settings.settings import Settings
from stacks.tiers import TABLE, Row

HEAD = """\
# Settings

Written by `make docs` from the types in `stacks/settings/` and the table in `stacks/tiers.py`.

A stack's settings stand in `stacks/Pulumi.<stack>.yaml` under `config:`, each section as `stillhouse:<section>`.
A key that the file leaves out has the default below; where the default depends on the tier, its three values are
given as low / medium / high. An unknown key or a wrong value ends the run with the file, the key, what it held and
what is allowed. `stillhouse plan <stack>` reads the file in the same way, with no account.

    config:
      aws:region: us-west-2
      stillhouse:tier: medium
      stillhouse:network:
        nat: per_zone
"""


def settings_page() -> str:
    """The whole page."""
    parts = [HEAD, "## Top of the file\n", _table(_top_rows())]
    for name, field in Settings.model_fields.items():
        for kind, model in _sections(field):
            title = f"## `{name}`" + (f" of kind `{kind}`" if kind else "")
            parts += [f"{title}\n", f"{model.__doc__}\n", _table(_rows(model, name))]
    parts += ["## Secrets\n", _secrets(), "## `releases`, of `<env>-releases`\n", f"{ReleasesSettings.__doc__}\n"]
    return "\n".join([*parts, _table(_rows(ReleasesSettings, "releases"))])


def _top_rows() -> Iterator[tuple[str, str, str, str]]:
    for name, field in Settings.model_fields.items():
        if not list(_sections(field)):
            key = "aws:region" if name == "region" else f"stillhouse:{name}"
            yield f"`{key}`", _allowed(field.annotation, field), _default(field, name), field.description or ""


def _sections(field: FieldInfo) -> Iterator[tuple[str, type[BaseModel]]]:
    """The models that a field may hold, each with its `kind` where there are several."""
    models = _models(field.annotation)
    for model in models:
        yield (_kind(model) if len(models) > 1 else ""), model


def _rows(model: type[BaseModel], path: str) -> Iterator[tuple[str, str, str, str]]:
    for name, field in model.model_fields.items():
        key = f"{path}.{name}"
        inner = _models(field.annotation)
        if not inner:
            yield f"`{key}`", _allowed(field.annotation, field), _default(field, key), field.description or ""
            continue
        yield f"`{key}`", " or ".join(_form(one, inner) for one in inner), _default(field, key), field.description or ""
        for one in inner:
            for row in _rows(one, key):
                if not (len(inner) > 1 and row[0].endswith(".kind`")):
                    yield row


def _form(model: type[BaseModel], among: list[type[BaseModel]]) -> str:
    return f"`kind: {_kind(model)}`" if len(among) > 1 else "a section"


def _kind(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["kind"].annotation)[0])


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is Annotated:
        return _models(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return [model for inner in get_args(annotation) for model in _models(inner)]
    return []


def _allowed(annotation: object, field: FieldInfo | None) -> str:
    """What a key may hold, in words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inner)
    if origin is Annotated:
        return _allowed(inner[0], None) + _limits(inner[1:])
    if origin in {Union, UnionType}:
        kinds = [_allowed(one, None) for one in inner if one is not type(None)]
        return " or ".join([*kinds, "null"]) + _limits(field.metadata if field else ())
    if origin is tuple:
        return f"list of {_allowed(inner[0], None)}" + _limits(field.metadata if field else ())
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return f"name: {_allowed(inner[1], None)}, any number"
    assert isinstance(annotation, type), annotation
    plain = {str: "text", int: "whole number", float: "number", bool: "`true`, `false`"}[annotation]
    return plain + _limits(field.metadata if field else ())


def _limits(metadata: object) -> str:
    """The limits among a field's annotations: ranges and lengths; patterns are told by the description's example."""
    assert isinstance(metadata, list | tuple)
    names = {"ge": "from {}", "le": "to {}", "min_length": "at least {}", "max_length": "at most {}"}
    found = [
        words.format(f"{value:,}" if value >= 10_000 else value)
        for entry in metadata
        for name, words in names.items()
        if (value := getattr(entry, name, None)) is not None and not hasattr(entry, "pattern")
    ]
    return f", {' '.join(found)}" if found else ""


def _default(field: FieldInfo, path: str) -> str:
    row = next((row for row in TABLE if row.path == path), None)
    is_tag = get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1
    if row is not None and not is_tag:
        return _tiers(row)
    if field.default_factory is not None:
        return "none"
    if field.default is PydanticUndefined:
        return "by its keys" if _models(field.annotation) else "needed"
    if isinstance(field.default, BaseModel):
        return f"`kind: {field.default.kind}`" if hasattr(field.default, "kind") else "by its keys"
    return _value(field.default)


def _tiers(row: Row) -> str:
    values = [_value(row.low), _value(row.medium), _value(row.high)]
    return values[0] if len(set(values)) == 1 else " / ".join(values)


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_value(one) for one in value) or "none"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else f"`{value}`"


def _secrets() -> str:
    rows = ((f"`stillhouse:{name}`", meaning) for name, meaning in SECRETS.items())
    body = "\n".join(f"| {key} | {meaning} |" for key, meaning in rows)
    how = "Each has a key of its own, which `pulumi config set --secret NAME` encrypts; in a section they are refused."
    return f"{how}\n\n| key | what it holds |\n| --- | --- |\n{body}\n"


def _table(rows: Iterator[tuple[str, str, str, str]]) -> str:
    head = "| key | allowed | default | meaning |\n| --- | --- | --- | --- |\n"
    return head + "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows) + "\n"
