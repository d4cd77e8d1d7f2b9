"""The rows that a network learns from and is chosen by: how every training begins."""

import numpy as np
import numpy.typing as npt

from model.errors import UserError
from model.labels.table import TrainingTable

Int64 = npt.NDArray[np.int64]


def training_splits(table: TrainingTable, max_validation_rows: int, rng: np.random.Generator) -> tuple[Int64, Int64]:
    """Positions of the training rows, and of the validation rows, which are thinned at random where there are more.

    Raises:
        UserError: no row of a split.
    """
    train, validation = table.rows("train"), table.rows("validation")
    if len(train) == 0 or len(validation) == 0:
        raise UserError(
            f"training needs rows of both splits (got {len(train)} train, {len(validation)} validation)",
            hint="choose earlier cut-offs, or a shorter horizon",
        )
    if len(validation) > max_validation_rows:
        validation = np.sort(rng.choice(validation, max_validation_rows, replace=False))
    return train, validation
