"""The simulator: same seed, same tables; every effect leaves a trace; a big shop is written as a stream."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from model.errors import UserError
from model.shop.simulate import PRESETS, generate_shop

TINY = PRESETS["tiny"]


def transactions(path: Path) -> pd.DataFrame:
    rows: pd.DataFrame = pq.read_table(path / "transactions.parquet").to_pandas()
    return rows


def test_same_seed_same_digest(tmp_path: Path) -> None:
    small = replace(TINY, num_days=40)
    first = generate_shop(small, tmp_path / "a")
    second = generate_shop(small, tmp_path / "b")
    other = generate_shop(replace(small, seed=8), tmp_path / "c")
    assert first.digest == second.digest != other.digest


def test_keys_are_sound_and_time_runs_forward(tmp_path: Path) -> None:
    generate_shop(TINY, tmp_path / "shop")
    rows = transactions(tmp_path / "shop")
    customers = pq.read_table(tmp_path / "shop" / "customers.parquet").to_pandas()
    articles = pq.read_table(tmp_path / "shop" / "articles.parquet").to_pandas()
    assert len(rows) > 5_000
    assert rows.transaction_id.is_unique
    assert rows.t_dat.is_monotonic_increasing
    assert rows.customer_id.isin(customers.customer_id).all()
    assert rows.article_id.isin(articles.article_id).all()
    assert (rows.price > 0).all()


def test_new_articles_keep_arriving(tmp_path: Path) -> None:
    generate_shop(TINY, tmp_path / "shop")
    rows = transactions(tmp_path / "shop")
    first_sale = rows.groupby("article_id").t_dat.min()
    assert (first_sale > "2023-04-01").mean() > 0.2


def test_life_cycle_switch_decides_whether_customers_leave(tmp_path: Path) -> None:
    quiet = replace(TINY, seasons=0.0, promotions=0.0, fashion=0.0, heat=0.0)
    generate_shop(quiet, tmp_path / "on")
    generate_shop(replace(quiet, life_cycle=0.0), tmp_path / "off")

    def loss(path: Path) -> float:
        rows = transactions(path)
        early = set(rows[rows.t_dat < "2023-03-01"].customer_id)
        late = set(rows[rows.t_dat > "2023-11-01"].customer_id)
        return 1 - len(early & late) / len(early)

    assert loss(tmp_path / "on") > loss(tmp_path / "off") + 0.05


def test_season_switch_moves_what_sells(tmp_path: Path) -> None:
    def summer_share(seasons: float, name: str) -> float:
        generate_shop(replace(TINY, seasons=seasons), tmp_path / name)
        articles = pq.read_table(tmp_path / name / "articles.parquet").to_pandas()
        rows = transactions(tmp_path / name).merge(articles, on="article_id")
        swimwear = rows[rows.product_type_name == "swimwear"]
        return float(np.mean(swimwear.t_dat.dt.month.isin([5, 6, 7, 8])))

    assert summer_share(1.0, "on") > summer_share(0.0, "off") + 0.15


def test_an_impossible_size_is_refused() -> None:
    with pytest.raises(UserError, match=r"num_customers.*got 0"):
        replace(TINY, num_customers=0)
