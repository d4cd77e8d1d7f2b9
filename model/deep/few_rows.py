"""The settings of a training that has few rows: fewer visits than a large one, more looks at the validation rows.

    settings, why = suited(TrainSettings(), num_rows)

A network that has seen each of 400 rows 250 times has learned them by heart long before.
"""

from dataclasses import replace

from model.deep.train import TrainSettings

MAX_PASSES = 20
"""Over the training rows."""
MIN_VISITS = 10_000
"""However few rows there are: fewer steps leave the weights near their random start."""
_BATCH_ROWS = 128
_NUM_EVALUATIONS = 10
_PATIENCE = 4


def suited(settings: TrainSettings, num_rows: int) -> tuple[TrainSettings, str]:
    """(settings, why they changed): the same, with an empty reason, where rows are not few for so many visits."""
    most = max(MAX_PASSES * num_rows, MIN_VISITS)
    if settings.max_rows <= most:
        return settings, ""
    fewer = replace(
        settings,
        max_rows=most,
        batch_rows=min(settings.batch_rows, _BATCH_ROWS),
        num_evaluations=max(settings.num_evaluations, _NUM_EVALUATIONS),
        patience=max(settings.patience, _PATIENCE),
    )
    return fewer, (
        f"{num_rows:,} training rows are few: at most {MAX_PASSES} passes (and {MIN_VISITS:,} visits at least), "
        f"batches of {fewer.batch_rows}"
    )
