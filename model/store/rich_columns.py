"""Columns that no request carries, for the deep model alone: bags of hashed parts, and given embeddings.

Legend: R rows, K bags of a row, P parts of all bags, V numbers of all embeddings.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.served.features import TableFeatures
from model.store.bags import bag_rows
from model.store.store import GraphStore

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class RichColumns:
    """What some rows hold beside numbers and codes."""

    parts_P: Int64  # noqa: N815
    """Hashes, bag by bag."""
    starts_B: Int64  # noqa: N815
    """[K x R] where each bag begins: those of the first column, then those of the second."""
    vectors_RV: npt.NDArray[np.float32]  # noqa: N815
    """Of each embedding its numbers, 0 where there is none, and a flag that is 1 there."""


class RichEncoder:
    """Reads the rows of one table; holds no state between calls."""

    def __init__(self, store: GraphStore, features: TableFeatures) -> None:
        self._bags = [store.bags(features.table, column) for column in features.bags]
        self._vectors = [store.column(features.table, vector.column) for vector in features.vectors]

    def encode(self, rows: Int64) -> RichColumns:
        """What `rows` [R] hold."""
        parts, starts, num_parts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
        for indptr, of_all in self._bags:
            found, begin = bag_rows(indptr, of_all, rows)
            parts.append(found.astype(np.int64))
            starts.append(begin + num_parts)
            num_parts += len(found)
        vectors = [np.zeros((len(rows), 0), np.float32)]
        for column in self._vectors:
            picked = column[rows]
            missing = np.isnan(picked[:, :1])
            vectors += [np.where(missing, np.float32(0), picked), missing.astype(np.float32)]
        return RichColumns(
            parts_P=np.concatenate(parts), starts_B=np.concatenate(starts), vectors_RV=np.concatenate(vectors, axis=1)
        )


def num_vector_numbers(features: TableFeatures) -> int:
    """V: the numbers of all embeddings, and a flag each."""
    return sum(vector.width + 1 for vector in features.vectors)
