"""What the distilled model sees of a batch of requests, as packed numpy arrays.

Training (`model/distilled/distill.py`) and serving (`scorer.py`) build their inputs here, so that they cannot drift
apart.
Imports numpy and the standard library only: the file is copied into the Triton repository.

Legend: B requests, R rows of one history over all requests, F numbers, C categorical codes, E embedding, S summary.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.served.features import NS_PER_DAY, before

Float = npt.NDArray[np.float32]
Int = npt.NDArray[np.int64]

SUMMARY_WINDOWS_DAYS = (1.0, 7.0, 30.0, 90.0, 365.0)
NUM_SUMMARY = len(SUMMARY_WINDOWS_DAYS) + 3
_SUMMARY_SCALE = 1 / 3
LONG_AGO_DAYS = 3650.0
"""Stands for the age of the newest row where there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """Recent rows of one child table for all requests of a batch, packed without padding."""

    dense_RF: Float  # noqa: N815
    codes_RC: Int  # noqa: N815
    age_days_R: Float  # noqa: N815
    """Days from the row to the anchor, not negative."""
    owner_R: Int  # noqa: N815
    """Which request each row belongs to; ascending."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """A batch of requests, ready for the network."""

    facts_BF: Float  # noqa: N815
    """Encoded columns of the entity's row, then one summary of each history."""
    codes_BC: Int  # noqa: N815
    embedding_BE: Float  # noqa: N815
    embedding_age_days_B: Float  # noqa: N815
    """Days from the embedding's cut-off to the anchor; NaN where the entity has no embedding."""
    histories: tuple[Rows, ...]

    def __len__(self) -> int:
        return len(self.facts_BF)


def age_days(anchor_ns: Int, time_ns: Int | int) -> Float:
    """Days from `time_ns` to `anchor_ns`; the subtraction is exact."""
    return (before(anchor_ns, time_ns) / NS_PER_DAY).astype(np.float32)


def keep_recent(anchor_ns: Int, time_ns: Int, owner_R: Int, missing_ns: int, max_rows: int) -> Int:
    """Positions of the rows that count: time known, at or before the owner's anchor, the `max_rows` newest of an owner.

    Args:
        anchor_ns: [B].
        time_ns: [R].
        owner_R: ascending.
        missing_ns: the value of `time_ns` that means null.
        max_rows: of one owner; among equal times the later position counts as newer.
    """
    kept = np.flatnonzero((time_ns != missing_ns) & (time_ns <= anchor_ns[owner_R]))
    if np.bincount(owner_R[kept], minlength=1).max() <= max_rows:
        return kept
    newest_first = kept[np.lexsort((-kept, -time_ns[kept], owner_R[kept]))]
    rank = within(owner_R[newest_first])
    result: Int = np.sort(newest_first[rank < max_rows])
    return result


def within(owner_R: Int) -> Int:
    """Position of each row among the rows of its owner, from 0; `owner_R` ascends."""
    if len(owner_R) == 0:
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.diff(owner_R, prepend=owner_R[0] - 1))
    return np.arange(len(owner_R)) - np.repeat(starts, np.diff(starts, append=len(owner_R)))


def summarise(age_days_R: Float, owner_R: Int, num_requests: int) -> Float:
    """[B, S] logarithmic counts in growing windows and of all rows, and the ages of the newest and the oldest row.

    Attention averages and so counts badly; these few numbers give it the counts.
    """
    summary_BS = np.zeros((num_requests, NUM_SUMMARY), np.float32)
    for place, days in enumerate(SUMMARY_WINDOWS_DAYS):
        summary_BS[:, place] = np.bincount(owner_R[age_days_R <= days], minlength=num_requests)
    summary_BS[:, -3] = np.bincount(owner_R, minlength=num_requests)
    newest_B = np.full(num_requests, LONG_AGO_DAYS, np.float32)
    np.minimum.at(newest_B, owner_R, age_days_R)
    oldest_B = np.zeros(num_requests, np.float32)
    np.maximum.at(oldest_B, owner_R, age_days_R)
    summary_BS[:, -2], summary_BS[:, -1] = newest_B, oldest_B
    return np.multiply(np.log1p(summary_BS), _SUMMARY_SCALE, dtype=np.float32)
