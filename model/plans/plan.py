"""Plans: what a training will do, in typed settings that can be printed, read and changed, and why.

plan = suggest_model_plan(store, bound, table)
print(plan)
plan = plan.edit({"model.width": 64, "max_rows": 50_000})
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

import yaml

from model.deep.train import TrainSettings
from model.distilled.distill import DistillSettings
from model.errors import UserError
from model.query.bound import Task
from model.ranking.items import Ranked
from model.ranking.train import RankSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """What all plans can do."""

    reasons: tuple[str, ...] = ()
    """Why these settings, in sentences to print."""

    def edit(self, changes: Mapping[str, Any]) -> Self:
        """A plan with other settings, by their dotted names as they are printed.

        Raises:
            UserError: no setting of this name, or a value out of its range.
        """
        settings = self.settings  # type: ignore[attr-defined]
        for name, value in changes.items():
            settings = _changed(settings, name.split("."), value, name)
        reasons = (*self.reasons, *(f"{name} = {value!r}: as asked" for name, value in changes.items()))
        return replace(self, settings=settings, reasons=reasons)  # type: ignore[call-arg]

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        document: dict[str, Any] = plain(asdict(self))
        return document

    def __str__(self) -> str:
        document = self.to_json()
        reasons = document.pop("reasons")
        text = yaml.safe_dump(document, sort_keys=False, default_flow_style=False)
        return text + "".join(f"# {reason}\n" for reason in reasons)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelPlan(_Plan):
    """How a deep model is trained, or for a link query a ranking."""

    task: Task
    settings: TrainSettings | RankSettings
    ranked: Ranked | None = None
    """What a link query ranks; None for other tasks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DistillationPlan:
    """What a request carries, told from the settings: for people to read, changed by `settings.requests`."""

    embedding_keys: tuple[str, ...]
    """The entity's own key: whose embedding of the last batch a request picks."""
    min_embedding_offset_hours: float
    max_embedding_offset_days: float
    real_time_offset_hours: float
    real_time_interactions: Mapping[str, int]
    """Path of each history -> the most rows of it."""
    trim_to_recent: bool = True
    """A longer history is trimmed to its newest rows, in training and in the server."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DistilledModelPlan(_Plan):
    """How a deep model is distilled."""

    base: str
    """Digest of the deep model."""
    settings: DistillSettings
    distillation: DistillationPlan = field(compare=False)


def _changed(settings: Any, path: list[str], value: Any, name: str) -> Any:  # noqa: ANN401 - nested settings
    known = [one.name for one in fields(settings)] if is_dataclass(settings) else []
    if path[0] not in known:
        near = get_close_matches(path[0], known, n=1)
        raise UserError(
            f"a plan has no setting `{name}`",
            hint=f"did you mean `{near[0]}`?" if near else f"one of {', '.join(known) or 'none below it'}",
        )
    if len(path) > 1:
        value = _changed(getattr(settings, path[0]), path[1:], value, name)
    return replace(settings, **{path[0]: value})


def plain(value: Any) -> Any:  # noqa: ANN401 - a tree
    """Tuples as lists, models and paths as what JSON has."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "model_dump"):
        return plain(value.model_dump())
    return str(value) if isinstance(value, Path) else value
