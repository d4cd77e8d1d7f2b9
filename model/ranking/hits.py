"""How good rankings are: each row's average precision and recall, against the items that were right."""

import numpy as np
import numpy.typing as npt

from model.labels.table import Lists
from model.metrics import Floats, average_precision_at_k, recall_at_k

Int64 = npt.NDArray[np.int64]


def hits(positives: Lists, ranking_RK: Int64) -> npt.NDArray[np.bool_]:
    """[R, K] whether each place holds one of the row's items; -1 is none."""
    owner = np.repeat(np.arange(len(positives)), positives.lengths())
    width = 1 + max(int(ranking_RK.max(initial=0)), int(positives.values.max(initial=0)))
    wanted = owner * width + np.asarray(positives.values, np.int64)
    places = np.arange(len(ranking_RK))[:, None] * width + ranking_RK
    return np.isin(places, wanted) & (ranking_RK >= 0)


def precisions(positives: Lists, ranking_RK: Int64) -> Floats:
    """[R] average precision at K."""
    return average_precision_at_k(positives.lengths(), hits(positives, ranking_RK))


def recalls(positives: Lists, ranking_RK: Int64) -> Floats:
    """[R] recall at K."""
    return recall_at_k(positives.lengths(), hits(positives, ranking_RK))
