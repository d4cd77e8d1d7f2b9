"""What cannot be measured is refused with the way out."""

from pathlib import Path

import pytest

from bench.settings import PARTS, BenchSettings, quick
from model.errors import UserError


def test_an_unknown_part_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="no part `speed`") as caught:
        BenchSettings(parts=("speed",))
    assert all(part in str(caught.value.hint) for part in PARTS)


@pytest.mark.parametrize("name", ["rounds", "bound_ms", "confirm_s"])
def test_lengths_are_positive(name: str) -> None:
    with pytest.raises(UserError, match=name):
        BenchSettings(**{name: 0})  # type: ignore[arg-type]


def test_the_stores_customers_need_embeddings() -> None:
    with pytest.raises(UserError, match="num_embeddings"):
        BenchSettings(num_embeddings=10)


def test_the_quick_one_measures_both_ratios() -> None:
    assert quick(Path("x")).parts == ("endpoint", "peers")
