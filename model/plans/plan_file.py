"""Plans as a file: what `stillhouse suggest` prints, edited by hand and read back into the plan that was suggested.

stillhouse suggest --run runs/shop > plan.yaml
stillhouse train --plan plan.yaml --run runs/shop
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_type_hints

import yaml
from pydantic import TypeAdapter, ValidationError

from model.errors import UserError
from model.plans.plan import DistilledModelPlan, ModelPlan, plain

Part = Literal["model", "distilled_model"]
_Plan = TypeVar("_Plan", ModelPlan, DistilledModelPlan)


def plans_text(plans: Mapping[str, ModelPlan | DistilledModelPlan]) -> str:
    """One YAML document of all plans, with their reasons as comments."""
    parts = []
    for name, plan in plans.items():
        document = plan.to_json()
        reasons = document.pop("reasons")
        text = yaml.safe_dump({name: document}, sort_keys=False, default_flow_style=False)
        parts.append("".join(f"# {reason}\n" for reason in reasons) + text)
    return "\n".join(parts)


def read_plan(path: Path, part: Part, suggested: _Plan) -> _Plan:
    """The suggested plan with the settings of a file; what the file leaves out stays as suggested.

    Args:
        path: YAML, or the JSON that `suggest --json` prints.
        part: which of its plans.
        suggested: for these tables, rows and query.

    Raises:
        UserError: no such file or part, a setting without a name or of another type, or a plan of something else.
    """
    document = _part(path, part)
    known = suggested.to_json()
    for name, value in document.items():
        if name not in known:
            hint = f"one of {', '.join(one for one in known if one != 'reasons')}"
            raise UserError(f"`{path}`: a plan has no `{part}.{name}`", hint=hint)
        # The distillation is told from the settings, and reasons are comments: neither is read.
        if name not in ("settings", "reasons", "distillation") and value != known[name]:
            raise UserError(
                f"`{path}`: `{part}.{name}` is of another plan (got {value!r}, this run's is {known[name]!r})",
                hint="run `stillhouse suggest` here, and carry the settings over",
            )
    settings = document.get("settings", {})
    if not isinstance(settings, Mapping):
        raise UserError(f"`{path}`: `{part}.settings` holds settings by name (got {settings!r})")
    changes = dict(_changes(suggested.settings, settings, (), f"`{path}`: `{part}.settings"))
    try:
        return suggested.edit(changes)
    except UserError as error:
        raise UserError(f"`{path}`: {error.args[0]}", hint=error.hint) from error


def _part(path: Path, part: Part) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(
            f"cannot read the plan `{path}`: {error.strerror}", hint="`stillhouse suggest > plan.yaml` writes one"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"`{path}` is not YAML: {error}") from error
    if not isinstance(document, Mapping) or not isinstance(document.get(part), Mapping):
        got = ", ".join(map(str, document)) if isinstance(document, Mapping) else type(document).__name__
        raise UserError(f"`{path}` has no plan `{part}` (got {got})", hint="keep the names that `suggest` prints")
    found: Mapping[str, Any] = document[part]
    return found


def _changes(settings: Any, given: Mapping[str, Any], above: tuple[str, ...], place: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - nested settings
    """(dotted name, value of its type) of every setting that differs; a name that is none is for `edit` to refuse."""
    known, hints = asdict(settings), get_type_hints(type(settings))
    for name, value in given.items():
        here = (*above, str(name))
        if name in known and is_dataclass(inner := getattr(settings, name)):
            if not isinstance(value, Mapping):
                raise UserError(f"{place}.{'.'.join(here)}` holds settings by name (got {value!r})")
            yield from _changes(inner, value, here, place)
        elif name not in known:
            yield ".".join(here), value
        elif value != plain(known[name]):
            yield ".".join(here), _typed(value, hints[name], f"{place}.{'.'.join(here)}`")


def _typed(value: Any, hint: Any, place: str) -> Any:  # noqa: ANN401 - a value of any setting
    """As JSON: a list may be a tuple and 3 a number with fractions, but "3" is no number."""
    try:
        return TypeAdapter(hint).validate_json(json.dumps(value, default=str), strict=True)
    except ValidationError as error:
        wrong = error.errors()[0]["msg"]
        is_number = isinstance(value, str) and value.replace("e", "").replace("-", "").replace(".", "").isdigit()
        advice = "YAML reads `1e-3` as text: write 0.001 or 1.0e-3" if is_number else "see what `suggest` prints there"
        raise UserError(f"{place}: {wrong} (got {value!r})", hint=advice) from error
