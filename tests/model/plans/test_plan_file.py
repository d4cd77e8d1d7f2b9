"""What `suggest` prints is read back as it is; an edited file changes what it says, and a mistake in it is named."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from model.deep.train import TrainSettings
from model.distilled.distill import DistillSettings
from model.errors import UserError
from model.plans.plan import DistillationPlan, DistilledModelPlan, ModelPlan
from model.plans.plan_file import plans_text, read_plan

PLAN = ModelPlan(task="binary", settings=TrainSettings(), reasons=("because of this",))
DISTILLED = DistilledModelPlan(
    base="sha256:1",
    settings=DistillSettings(),
    distillation=DistillationPlan(
        embedding_keys=("users.id",),
        min_embedding_offset_hours=1.0,
        max_embedding_offset_days=2.0,
        real_time_offset_hours=0.0,
        real_time_interactions={"users.id->orders.user_id": 32},
    ),
    reasons=(),
)


def written(folder: Path, document: Any) -> Path:
    path = folder / "plan.yaml"
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return path


def test_what_is_printed_is_read_back(tmp_path: Path) -> None:
    path = written(tmp_path, plans_text({"model": PLAN, "distilled_model": DISTILLED}))
    assert path.read_text().startswith("# because of this\nmodel:\n")
    assert read_plan(path, "model", PLAN) == PLAN
    assert read_plan(path, "distilled_model", DISTILLED) == DISTILLED


def test_what_json_has_is_read_too(tmp_path: Path) -> None:
    path = written(tmp_path, {"model": PLAN.to_json()})
    assert read_plan(path, "model", PLAN) == PLAN


def test_settings_that_differ_are_taken_and_told(tmp_path: Path) -> None:
    changes = {"model": {"width": 64}, "sampler": {"fanouts": [8, 4]}, "learning_rate": 1, "max_rows": 50}
    read = read_plan(written(tmp_path, {"model": {"settings": changes}}), "model", PLAN)
    assert isinstance(read.settings, TrainSettings)
    assert (read.settings.model.width, read.settings.sampler.fanouts) == (64, (8, 4))
    assert (read.settings.learning_rate, read.settings.max_rows) == (1.0, 50)
    assert read.settings.batch_rows == TrainSettings().batch_rows
    assert "max_rows = 50: as asked" in read.reasons
    loop = {"loop": {"epochs": 1}, "use_teacher": False}
    distilled = read_plan(written(tmp_path, {"distilled_model": {"settings": loop}}), "distilled_model", DISTILLED)
    assert (distilled.settings.loop.epochs, distilled.settings.use_teacher) == (1, False)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("a: [", "is not YAML"),
        ("just words", r"no plan `model` \(got str\)"),
        ({"distilled_model": {}}, r"no plan `model` \(got distilled_model\)"),
        ({"model": {"setings": {}}}, r"no `model.setings`\n\nhint: one of task, settings"),
        ({"model": {"task": "regression"}}, r"`model.task` is of another plan \(got 'regression'"),
        ({"model": {"settings": [1]}}, "holds settings by name"),
        ({"model": {"settings": {"model": 3}}}, r"`model.settings.model` holds settings by name \(got 3\)"),
        ({"model": {"settings": {"model": {"widht": 3}}}}, r"no setting `model.widht`\n\nhint: did you mean `width`"),
        ({"model": {"settings": {"max_rows": "50"}}}, r"`model.settings.max_rows`: .*integer.*got '50'"),
        ({"model": {"settings": {"max_rows": 1.5}}}, r"`model.settings.max_rows`: .*integer.*got 1.5"),
        ({"model": {"settings": {"max_rows": 0}}}, r"plan.yaml`: `max_rows`"),
        ("model: {settings: {learning_rate: 4e-3}}", r"got '4e-3'\)\n\nhint: YAML reads `1e-3` as text"),
    ],
)
def test_a_mistake_is_named_with_its_place(document: Any, told: str, tmp_path: Path) -> None:
    path = written(tmp_path, document)
    with pytest.raises(UserError, match=told) as caught:
        read_plan(path, "model", PLAN)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read the plan .*No such file"):
        read_plan(tmp_path / "none.yaml", "model", PLAN)
