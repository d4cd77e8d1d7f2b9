"""Random inputs of a distilled model, for tests."""

import numpy as np

from model.distilled.network import InputShape, TableShape
from model.served.inputs import NUM_SUMMARY, Inputs, Rows

SHAPE = InputShape(
    entity=TableShape(num_dense=9 + 2 * NUM_SUMMARY, vocabulary=(4, 7)),
    histories=(TableShape(num_dense=2, vocabulary=(30, 3)), TableShape(num_dense=0, vocabulary=())),
    embedding_dim=6,
)


def random_inputs(seed: int, num_requests: int, max_rows: int, shape: InputShape = SHAPE) -> Inputs:
    """Requests with 0 to `max_rows` rows a history; about a third have no embedding."""
    rng = np.random.default_rng(seed)

    def rows(table: TableShape) -> Rows:
        owner_R = np.repeat(np.arange(num_requests), rng.integers(0, max_rows + 1, num_requests))
        return Rows(
            dense_RF=rng.normal(size=(len(owner_R), table.num_dense)).astype(np.float32),
            codes_RC=_codes(rng, table, len(owner_R)),
            age_days_R=rng.exponential(40, len(owner_R)).astype(np.float32),
            owner_R=owner_R,
        )

    age_days_B = rng.uniform(0, 14, num_requests).astype(np.float32)
    return Inputs(
        facts_BF=rng.normal(size=(num_requests, shape.entity.num_dense)).astype(np.float32),
        codes_BC=_codes(rng, shape.entity, num_requests),
        embedding_BE=rng.normal(size=(num_requests, shape.embedding_dim)).astype(np.float32),
        embedding_age_days_B=np.where(rng.random(num_requests) < 0.3, np.float32(np.nan), age_days_B),
        histories=tuple(rows(history) for history in shape.histories),
    )


def _codes(rng: np.random.Generator, table: TableShape, num: int) -> np.ndarray:
    columns = [rng.integers(0, size, num) for size in table.vocabulary]
    return np.stack(columns, axis=1) if columns else np.zeros((num, 0), np.int64)
