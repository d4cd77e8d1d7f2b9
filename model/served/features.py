"""Column values become the numbers that a model takes: fitted once, before a cut-off, and stored as JSON.

Imports numpy, the standard library and `missing.py` only: the file is copied into the Triton repository, where it does
the same arithmetic on the values of a request. Legend: R rows, F numbers, C categorical codes.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from model.served.missing import MISSING_FP32, MISSING_INT64

NS_PER_DAY = 86_400 * 10**9
CLIP = 6.0
"""Standardised numbers beyond this many deviations are drawn in: one wild value must not drown a row."""
LOG_DAYS_SCALE = 8.0
"""log1p of eight years in days is about 8."""
PERIODS_DAYS = (1.0, 7.0, 30.4375, 91.3125, 365.25)
DECAYS_DAYS = (1.0, 7.0, 30.0, 90.0)
NUM_CALENDAR_FEATURES = 6
NUM_TIME_FEATURES = 2 + 2 * len(PERIODS_DAYS) + len(DECAYS_DAYS)


@dataclass(frozen=True, kw_only=True, slots=True)
class NumericalFeature:
    """(x - mean) / std clipped to +-CLIP, 0 where missing; and a flag that is 1 where missing."""

    column: str
    mean: float
    std: float
    """Greater than 0; 1 for a constant column."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TimestampFeature:
    """Signed log1p of the days from the value to the anchor, and a flag that is 1 where missing."""

    column: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CategoricalFeature:
    """Code i + 1 for `values[i]`; code 0 for null and for anything else."""

    column: str
    values: tuple[str, ...]
    """Most frequent first, then in alphabetical order; booleans are `0` and `1`."""
    index: Mapping[Any, int] = field(init=False, repr=False, compare=False)
    """Code by text, by UTF-8 bytes and, for numbers, by value."""

    def __post_init__(self) -> None:
        index: dict[Any, int] = {}
        for code, value in enumerate(self.values, start=1):
            index[value] = index[value.encode()] = code
            number = _number(value)
            if number is not None:
                index.setdefault(number, code)
        object.__setattr__(self, "index", index)

    @property
    def num_codes(self) -> int:
        """Codes are in [0, num_codes)."""
        return len(self.values) + 1


@dataclass(frozen=True, kw_only=True, slots=True)
class VectorFeature:
    """A given embedding: `width` numbers, NaN where there is none. No request carries one."""

    column: str
    width: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TableFeatures:
    """The inputs of one table, in the order of their numbers and codes: numericals, then timestamps."""

    table: str
    numericals: tuple[NumericalFeature, ...] = ()
    timestamps: tuple[TimestampFeature, ...] = ()
    categoricals: tuple[CategoricalFeature, ...] = ()
    bags: tuple[str, ...] = ()
    """Columns read as bags of hashed parts (texts and lists of categories). No request carries one."""
    vectors: tuple[VectorFeature, ...] = ()

    @property
    def num_dense(self) -> int:
        """F: two numbers for each numerical and each timestamp."""
        return 2 * (len(self.numericals) + len(self.timestamps))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that a request may carry, in order."""
        numbers = tuple(feature.column for feature in self.numericals)
        times = tuple(feature.column for feature in self.timestamps)
        return numbers + times + tuple(feature.column for feature in self.categoricals)


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """Inputs of R rows of one table."""

    dense_RF: npt.NDArray[np.float32]  # noqa: N815
    codes_RC: npt.NDArray[np.int64]  # noqa: N815


def encode_values(
    features: TableFeatures, values: Mapping[str, npt.NDArray[Any]], anchor_ns: npt.NDArray[np.int64]
) -> Encoded:
    """Encode raw values, as a request or a database holds them.

    Args:
        features: of the table.
        values: column -> [R]; int64 (null: MISSING_INT64), float (null: NaN or MISSING_FP32), bytes, str or bool; a
            column that is left out is null everywhere.
        anchor_ns: [R] the moment of the prediction of each row.
    """
    dense_RF = np.zeros((len(anchor_ns), features.num_dense), dtype=np.float32)
    codes_RC = np.zeros((len(anchor_ns), len(features.categoricals)), dtype=np.int64)
    place = 0
    for numerical in features.numericals:
        put_number(dense_RF, place, numerical, values.get(numerical.column))
        place += 2
    for timestamp in features.timestamps:
        put_timestamp(dense_RF, place, values.get(timestamp.column), anchor_ns)
        place += 2
    for position, categorical in enumerate(features.categoricals):
        raw = values.get(categorical.column)
        if raw is not None:
            get = categorical.index.get
            codes_RC[:, position] = [get(value, 0) for value in raw.tolist()]
    return Encoded(dense_RF=dense_RF, codes_RC=codes_RC)


def time_features(delta_days: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """[...] days before the anchor (NaN: the row is static) -> [..., NUM_TIME_FEATURES].

    In order: scaled log1p, is-static flag, sine and cosine of each period, exponential decays.
    """
    static = np.isnan(delta_days)
    days = np.where(static, 0.0, delta_days).astype(np.float64)
    phase = days[..., None] * (2 * np.pi / np.array(PERIODS_DAYS))
    decay = np.exp(-np.maximum(days, 0.0)[..., None] / np.array(DECAYS_DAYS))
    head = np.stack([signed_log_days(days), np.zeros_like(days)], axis=-1)
    result = np.concatenate([head, np.sin(phase), np.cos(phase), decay], axis=-1).astype(np.float32)
    result[static] = 0.0
    result[static, 1] = 1.0
    return result


def before(one_ns: npt.NDArray[np.int64], other_ns: npt.NDArray[np.int64] | int) -> npt.NDArray[np.int64]:
    """`one` less `other`, exact, and not beyond the ends of int64: a strange time must not turn into its opposite."""
    difference: npt.NDArray[np.int64] = np.subtract(one_ns, other_ns, dtype=np.int64)
    overflown = ((one_ns ^ other_ns) & (one_ns ^ difference)) < 0
    if not overflown.any():
        return difference
    limits = np.iinfo(np.int64)
    return np.where(overflown, np.where(one_ns < 0, limits.min, limits.max), difference)


def calendar_features(time_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """[...] moments -> [..., NUM_CALENDAR_FEATURES] sine and cosine of the year (twice), and of the week (UTC)."""
    days = (time_ns // (NS_PER_DAY // 24)).astype(np.float64) / 24
    phase = days[..., None] * (2 * np.pi / np.array([365.25, 365.25 / 2, 7.0]))
    result: npt.NDArray[np.float32] = np.concatenate([np.sin(phase), np.cos(phase)], axis=-1).astype(np.float32)
    return result


def signed_log_days(days: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
    """log1p of the size, the sign kept, scaled to about 1 at eight years."""
    result: npt.NDArray[np.floating[Any]] = np.sign(days) * np.log1p(np.abs(days)) / LOG_DAYS_SCALE
    return result


def features_to_json(features: Mapping[str, TableFeatures]) -> str:
    """All tables' features as JSON."""
    tables = {name: asdict(table) for name, table in features.items()}
    for table in tables.values():
        for categorical in table["categoricals"]:
            del categorical["index"]
    return json.dumps(tables, ensure_ascii=False, indent=1) + "\n"


def features_from_json(text: str) -> dict[str, TableFeatures]:
    """The inverse of `features_to_json`."""
    return {
        name: TableFeatures(
            table=table["table"],
            numericals=tuple(NumericalFeature(**one) for one in table["numericals"]),
            timestamps=tuple(TimestampFeature(**one) for one in table["timestamps"]),
            categoricals=tuple(
                CategoricalFeature(column=one["column"], values=tuple(one["values"])) for one in table["categoricals"]
            ),
            bags=tuple(table.get("bags", ())),
            vectors=tuple(VectorFeature(**one) for one in table.get("vectors", ())),
        )
        for name, table in json.loads(text).items()
    }


def put_number(
    dense_RF: npt.NDArray[np.float32], place: int, feature: NumericalFeature, raw: npt.NDArray[Any] | None
) -> None:
    """Fill two columns; null and infinite values are 0 with the flag up."""
    if raw is None:
        dense_RF[:, place + 1] = 1.0
        return
    values = raw.astype(np.float32)
    missing = ~np.isfinite(values) | (values <= np.float32(MISSING_FP32))
    if raw.dtype.kind == "i":
        missing |= raw == MISSING_INT64
    standard = (values - np.float32(feature.mean)) / np.float32(feature.std)
    dense_RF[:, place] = np.where(missing, 0.0, np.clip(standard, -CLIP, CLIP))
    dense_RF[:, place + 1] = missing


def put_timestamp(
    dense_RF: npt.NDArray[np.float32], place: int, raw: npt.NDArray[Any] | None, anchor_ns: npt.NDArray[np.int64]
) -> None:
    """Fill two columns; null is 0 with the flag up."""
    if raw is None:
        dense_RF[:, place + 1] = 1.0
        return
    missing = raw == MISSING_INT64
    days = before(anchor_ns, np.where(missing, anchor_ns, raw)) / NS_PER_DAY
    dense_RF[:, place] = signed_log_days(days)
    dense_RF[:, place + 1] = missing


def _number(value: str) -> float | int | None:
    """The number that a request would carry for this category: an integer, or a float32."""
    try:
        return int(value) if str(int(value)) == value else None
    except ValueError:
        pass
    try:
        return float(np.float32(value))
    except (ValueError, OverflowError):
        return None
