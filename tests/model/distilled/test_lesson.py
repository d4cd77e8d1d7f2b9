from dataclasses import replace

import numpy as np
import pytest

from model.deep.scores import score_rows
from model.deep.train import entity_rows
from model.distilled.lesson import choose_rows, teach
from model.distilled.rows import RequestSettings
from model.errors import UserError
from model.served.missing import MISSING_INT64
from tests.model.taught import Taught, make_taught

DAY_NS = 86_400 * 10**9


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    return make_taught(tmp_path_factory.mktemp("taught"))


def test_the_teacher_scores_the_anchor_and_embeds_an_earlier_time(taught: Taught) -> None:
    positions = np.arange(0, len(taught.table), 37)
    lesson = teach(taught.store, taught.table, taught.deep, positions, RequestSettings(), seed=3)
    rows, anchor_ns = entity_rows(taught.store, taught.table)[positions], taught.table.cutoff_ns[positions]
    logit_R, now_RE = score_rows(taught.store, taught.deep, rows, anchor_ns)
    _, stale_RE = score_rows(taught.store, taught.deep, rows, lesson.embedding_ns)
    np.testing.assert_array_equal(lesson.teacher_R, logit_R)
    np.testing.assert_array_equal(lesson.embedding_RE, stale_RE)
    assert not np.allclose(now_RE, stale_RE)
    assert (anchor_ns - lesson.embedding_ns >= DAY_NS // 2 - 10**6).all()
    assert (anchor_ns - lesson.embedding_ns <= 14 * DAY_NS).all()


def test_a_part_of_a_lesson_holds_the_same_rows_everywhere(taught: Taught) -> None:
    lesson = teach(taught.store, taught.table, taught.deep, np.arange(9), RequestSettings(), seed=3)
    which_R = np.arange(9) % 2 == 0
    picked = lesson.pick(which_R)
    assert picked.positions.tolist() == [0, 2, 4, 6, 8]
    np.testing.assert_array_equal(picked.embedding_RE, lesson.embedding_RE[which_R])


def test_an_entity_has_no_embedding_from_before_it_existed(taught: Taught, monkeypatch: pytest.MonkeyPatch) -> None:
    positions = np.arange(6)
    rows = entity_rows(taught.store, taught.table)[positions]
    born_ns = np.zeros(taught.store.num_rows(taught.table.entity_table), np.int64)
    born_ns[rows[:3]] = taught.table.cutoff_ns[positions[:3]] - DAY_NS // 4
    entity, times = taught.table.entity_table, taught.store.row_times
    monkeypatch.setattr(taught.store, "row_times", lambda table: born_ns if table == entity else times(table))
    lesson = teach(taught.store, taught.table, taught.deep, positions, RequestSettings(), seed=3)
    sampled_ns = RequestSettings().sample_embedding_times(taught.table.cutoff_ns[positions], 3)
    unborn = born_ns[rows] > sampled_ns
    assert unborn.any()
    assert not unborn.all()
    assert (lesson.embedding_ns == np.where(unborn, MISSING_INT64, sampled_ns)).all()
    assert (lesson.embedding_RE[unborn] == 0).all()


def test_rows_are_drawn_by_split_with_the_seed(taught: Taught) -> None:
    first = choose_rows(taught.table, max_train_rows=50, max_validation_rows=7, seed=1)
    splits = taught.table.split[first].tolist()
    assert (splits.count("train"), splits.count("validation"), len(splits)) == (50, 7, 57)
    assert (np.diff(first) > 0).all()
    assert choose_rows(taught.table, max_train_rows=50, max_validation_rows=7, seed=1).tolist() == first.tolist()
    assert choose_rows(taught.table, max_train_rows=50, max_validation_rows=7, seed=2).tolist() != first.tolist()


def test_a_table_without_validation_rows_is_refused(taught: Taught) -> None:
    table = replace(taught.table, split=np.full(len(taught.table), "train"))
    with pytest.raises(UserError, match="no `validation` rows"):
        choose_rows(table, max_train_rows=1, max_validation_rows=1, seed=0)
