from model.deep.few_rows import MAX_PASSES, MIN_VISITS, suited
from model.deep.train import TrainSettings


def test_few_rows_are_visited_less_often_and_looked_at_more() -> None:
    settings, why = suited(TrainSettings(), 2_000)
    assert settings.max_rows == 2_000 * MAX_PASSES < TrainSettings().max_rows
    assert settings.batch_rows < TrainSettings().batch_rows
    assert settings.num_evaluations > TrainSettings().num_evaluations
    assert "2,000 training rows are few" in why
    assert suited(TrainSettings(), 10)[0].max_rows == MIN_VISITS


def test_what_was_asked_for_stays_where_rows_are_enough() -> None:
    assert suited(TrainSettings(), 100_000) == (TrainSettings(), "")
    small = TrainSettings(max_rows=300, batch_rows=16, num_evaluations=30)
    assert suited(small, 50) == (small, "")
    assert suited(TrainSettings(batch_rows=16, num_evaluations=30), 50)[0].batch_rows == 16
