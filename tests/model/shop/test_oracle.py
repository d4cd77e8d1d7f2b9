"""The oracle: chances that come true, better than what can be seen, and the same shop as the tables show."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from model.errors import UserError
from model.metrics import auroc
from model.shop.oracle import chances_of_absence
from model.shop.simulate import PRESETS, generate_shop

SMALL = replace(PRESETS["tiny"], num_customers=3000, num_days=240)
CUTOFF = pd.Timestamp("2023-07-20")


def test_chances_come_true_and_beat_recency(tmp_path: Path) -> None:
    generate_shop(SMALL, tmp_path / "shop")
    rows = pd.read_parquet(tmp_path / "shop" / "transactions.parquet")
    keys, found = chances_of_absence(SMALL, [CUTOFF.value], 30, num_futures=8)
    chance = pd.Series(found[CUTOFF.value].astype(float), index=keys)
    past, ahead = rows[rows.t_dat <= CUTOFF], rows[rows.t_dat > CUTOFF]
    came = set(ahead[ahead.t_dat <= CUTOFF + pd.Timedelta(days=30)].customer_id)
    last = past.groupby("customer_id").t_dat.max()
    eligible = last.index[last > CUTOFF - pd.Timedelta(days=90)]
    absent = np.array([key not in came for key in eligible], float)
    assert abs(absent.mean() - chance[eligible].mean()) < 4 * np.sqrt(0.25 / len(eligible))
    for third in np.array_split(np.argsort(chance[eligible].to_numpy()), 3):
        expected = chance[eligible].to_numpy()[third].mean()
        assert abs(absent[third].mean() - expected) < 4 * np.sqrt(0.25 / len(third))
    recency = (CUTOFF - last[eligible]).dt.total_seconds().to_numpy()
    assert auroc(absent, chance[eligible].to_numpy()) > auroc(absent, recency) + 0.05


def test_the_shop_without_a_signal_has_another_oracle() -> None:
    day = replace(SMALL, num_days=120)
    cutoff = pd.Timestamp("2023-04-01").value
    _, full = chances_of_absence(day, [cutoff], 5, num_futures=2)
    _, still = chances_of_absence(day.without(["life_cycle", "heat"]), [cutoff], 5, num_futures=2)
    assert not np.allclose(full[cutoff], still[cutoff])
    assert day.without([]) == day


@pytest.mark.parametrize("moment", ["2023-07-20 12:00", "2022-12-31", "2023-12-31"])
def test_other_moments_are_refused(moment: str) -> None:
    with pytest.raises(UserError, match="midnights of the shop's 240 days"):
        chances_of_absence(SMALL, [pd.Timestamp(moment).value], 30)
