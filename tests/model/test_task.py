"""What a head makes of a training table, and of a network's outputs."""

import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
import torch

from model.errors import UserError
from model.labels.table import Lists, TrainingTable, Values
from model.query.bound import TrainableTask
from model.task import TaskHead, head_from_json, task_head
from model.task_loss import label_loss, teacher_loss

SPLIT = np.array(["train"] * 8 + ["validation", "test"])


def table(label: object, classes: Values | None = None, lists: Lists | None = None) -> TrainingTable:
    return TrainingTable(
        entity_table="users",
        entity=np.arange(10),
        cutoff_ns=np.zeros(10, np.int64),
        label=np.array(label, np.float32),
        split=SPLIT,
        classes=classes,
        lists=lists,
    )


NUMBERS = table([0, 1, 2, 3, 4, 5, 6, 1000, 2000, -5])
COLOURS = np.array(["blue", "red"], dtype=np.object_)
CLASSES = table([0, 1, 1, 1, 0, 0, 1, 0, -1, 1], COLOURS)
LISTS = Lists(
    values=np.array(["blue", "red", "red", "green", *["blue"] * 7], dtype=np.object_),
    offsets=np.array([0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
)
MULTILABEL = table(LISTS.lengths(), COLOURS, LISTS)
FORECAST = table(np.arange(30).reshape(10, 3))


def test_numbers_are_standardised_and_kept_between_percentiles_of_training_labels() -> None:
    head = task_head("regression", NUMBERS)
    train = NUMBERS.label[:8]
    assert [head.mean, head.std] == pytest.approx([train.mean(), train.std()])
    assert [head.low, head.high] == pytest.approx(np.percentile(train, [2, 98]).tolist())
    assert head.target(NUMBERS)[:8].mean() == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(head.rescale(head.target(NUMBERS)), NUMBERS.label, atol=1e-3)
    assert head.answer(np.array([-9, 3, 5000], np.float32)).tolist() == pytest.approx([head.low, 3, head.high])
    assert head.shape == ()


def test_nearly_constant_labels_do_not_clamp_all_answers_to_one() -> None:
    rare = table([*[0.0] * 7, 9.0, 0, 0])
    many = replace(rare, label=np.repeat(rare.label, 100), split=np.repeat(SPLIT, 100))
    many.label[: 800 - 1] = 0
    head = task_head("regression", many)
    assert (head.low, head.high) == (0, 9)
    assert task_head("regression", table([4.0] * 10)).std == 1


def test_classes_are_those_of_training_rows() -> None:
    head = task_head("multiclass", CLASSES)
    assert (head.classes, head.shape) == (("blue", "red"), (2,))
    assert head.label(CLASSES, np.array([1, 8])).tolist() == [1, -1]
    answers = head.answer(np.array([[0, np.log(3)], [1000, -1000]], np.float32))
    assert answers.ravel().tolist() == pytest.approx([0.25, 0.75, 1, 0])
    assert head.answer(np.zeros((0, 2), np.float32)).shape == (0, 2)
    decimals = np.array([Decimal("1.5"), Decimal("2.5")], dtype=np.object_)
    assert task_head("multiclass", replace(CLASSES, classes=decimals)).classes == (1.5, 2.5)


def test_lists_become_an_answer_for_each_class() -> None:
    head = task_head("multilabel", MULTILABEL)
    assert head.label(MULTILABEL, np.array([0, 1, 2, 9])).tolist() == [[1, 1], [0, 1], [0, 0], [1, 0]]
    numbers = replace(MULTILABEL, classes=np.array([3, 7]), lists=Lists(values=np.arange(10), offsets=np.arange(11)))
    assert task_head("multilabel", numbers).label(numbers)[[3, 7, 8]].tolist() == [[1, 0], [0, 1], [0, 0]]


def test_a_forecast_has_one_scale_for_all_its_timeframes() -> None:
    head = task_head("forecast", FORECAST)
    assert head.shape == (3,)
    assert head.mean == pytest.approx(FORECAST.label[:8].mean())
    assert head.target(FORECAST).shape == (10, 3)


@pytest.mark.parametrize(
    ("kind", "labelled"),
    [("binary", CLASSES), ("multiclass", CLASSES), ("multilabel", MULTILABEL), ("regression", NUMBERS),
     ("forecast", FORECAST)],
)  # fmt: skip
def test_a_head_survives_json(kind: TrainableTask, labelled: TrainingTable) -> None:
    head = task_head(kind, labelled)
    assert head_from_json(kind, json.loads(json.dumps(head.to_json()))) == head


def test_a_head_needs_training_rows() -> None:
    with pytest.raises(UserError, match="`train` split"):
        task_head("binary", replace(NUMBERS, split=np.full(10, "test")))


def test_a_class_that_nobody_can_know_is_not_in_the_loss() -> None:
    output = torch.tensor([[2.0, 0.0], [0.0, 5.0]])
    both = label_loss("multiclass", output, torch.tensor([0.0, -1.0]))
    assert float(both) == pytest.approx(float(label_loss("multiclass", output[:1], torch.tensor([0.0]))))


@pytest.mark.parametrize("kind", ["binary", "regression", "multiclass", "multilabel", "forecast"])
def test_nobody_is_closer_to_the_teacher_than_the_teacher(kind: TrainableTask) -> None:
    torch.manual_seed(0)
    teacher = torch.randn(6) if kind in ("binary", "regression") else torch.randn(6, 4)
    least = float(teacher_loss(kind, teacher, teacher))
    for _ in range(20):
        assert float(teacher_loss(kind, teacher + 0.1 * torch.randn_like(teacher), teacher)) > least


def test_numbers_are_fitted_by_absolute_error() -> None:
    output, target = torch.tensor([1.0, 10.0]), torch.tensor([0.0, 0.0])
    assert float(label_loss("regression", output, target)) == 5.5


def test_a_head_without_bounds_keeps_what_it_is_given() -> None:
    head = TaskHead(kind="regression", mean=1.0, std=2.0)
    assert head.answer(np.array([1e6], np.float32)).tolist() == [1e6]
