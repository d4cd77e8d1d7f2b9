"""What each hidden part of the simulated shop is worth: `python -m scripts.shop_ceiling`.

Trees see what a table shows of a customer's visits, and beside it one hidden part after the other. Prints AUROC on the
test cut-off, so that the distance between a model and the oracle can be told apart: what tables hold, and what they
do not.
Legend: D days, N customers, R rows, F numbers.
"""

from dataclasses import dataclass

# torch first: it brings the OpenMP runtime that LightGBM links, which a plain Debian lacks.
import torch  # noqa: F401  # isort: skip
import numpy as np
import numpy.typing as npt

from model.baselines.feature_table import Features
from model.baselines.trees import TreeSettings, fit_boosters
from model.metrics import auroc
from model.shop.simulate import Shop, end_day, new_shop, run_day, sold
from model.shop.state import ShopSettings
from model.task import TaskHead

Floats = npt.NDArray[np.float32]

HORIZON_DAYS = 30
LOOK_BACK_DAYS = 90
NUM_TRAINING = 6
"""Cut-offs, a horizon apart; one more validates."""
WINDOWS_DAYS = (7, 14, 30, 60, 90, 180, 365)
SHARED = ("heat", "faded", "on_promotion", "price_sensitivity")
"""What neighbours' rows tell of: a taste group's heat, how far the last purchase went out of fashion, its price."""
OWN = ("habit", "loyalty", "taste")
"""Traits that a customer keeps."""
QUESTIONS: dict[str, tuple[str, ...]] = {
    "visits": (),
    "visits, what neighbours tell": SHARED,
    "visits, own traits": OWN,
    "visits, stage": ("stage",),
    "visits, stage, own traits": ("stage", *OWN),
    "visits, everything": ("stage", *OWN, *SHARED),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """The shop's days, and its hidden state on some of them."""

    visits: npt.NDArray[np.bool_]
    """[D, N]."""
    lines: npt.NDArray[np.int16]
    """[D, N] articles bought."""
    visible: Floats
    """[N, F] columns of the customers."""
    hidden: dict[int, dict[str, Floats]]
    """Day -> part -> [N]."""


def replay(settings: ShopSettings, days: list[int]) -> Replay:
    """Run the shop, looking into it on the mornings of `days`."""
    shop, count = new_shop(settings), settings.num_customers
    lines_DN = np.zeros((settings.num_days, count), np.int16)
    hidden: dict[int, dict[str, Floats]] = {}
    for day in range(settings.num_days):
        if day in days:
            hidden[day] = _hidden(shop)
        sale = run_day(shop)
        sold(shop, sale, 1)
        lines_DN[day] = np.bincount(sale.buyer, minlength=count)
        end_day(shop, sale)
    people = shop.customers
    visible_NF = np.stack([people.age, people.club, people.news], axis=1).astype(np.float32)
    return Replay(visits=lines_DN > 0, lines=lines_DN, visible=visible_NF, hidden=hidden)


def _hidden(shop: Shop) -> dict[str, Floats]:
    people = shop.customers
    now = shop.articles.fashion_GA[people.taste, people.last_article]
    parts = {
        "stage": people.stage,
        "habit": people.visits_a_day,
        "loyalty": people.loyalty,
        "taste": people.taste,
        "price_sensitivity": people.price_sensitivity,
        "heat": shop.heat_G[people.taste],
        "faded": np.where(people.last_article >= 0, 1 - now / people.fashion_when_bought, 0),
        "on_promotion": people.bought_on_promotion,
    }
    return {name: part.astype(np.float32) for name, part in parts.items()}


def visible(found: Replay, day: int) -> Floats:
    """[N, F] what the tables show of each customer before `day`."""
    past_DN = found.visits[:day]
    pieces = [found.visible]
    for window in (*WINDOWS_DAYS, day):
        since = max(0, day - window)
        pieces += [past_DN[since:].sum(axis=0)[:, None], found.lines[since:day].sum(axis=0)[:, None]]
    count_N, came_N = past_DN.sum(axis=0), past_DN.any(axis=0)
    last_N, first_N = day - 1 - np.argmax(past_DN[::-1], axis=0), np.argmax(past_DN, axis=0)
    recency_N = np.where(came_N, day - last_N, np.nan)
    gap_N = np.where(count_N > 1, (last_N - first_N) / np.maximum(count_N - 1, 1), np.nan)
    pieces.append(np.stack([recency_N, day - first_N, gap_N, recency_N / gap_N], axis=1))
    return np.concatenate(pieces, axis=1, dtype=np.float32)


def ceilings(settings: ShopSettings) -> dict[str, float]:
    """Question -> AUROC of trees that see what it names, on the last cut-off that the shop's days allow."""
    test = settings.num_days - HORIZON_DAYS
    days = [test - HORIZON_DAYS * (back + 1) for back in range(NUM_TRAINING + 1)]
    found = replay(settings, [test, *days])
    cutoffs = [test, *days]
    rows = {day: found.visits[max(0, day - LOOK_BACK_DAYS) : day].any(axis=0) for day in cutoffs}
    away = {day: np.asarray(found.visits[day : day + HORIZON_DAYS]).sum(axis=0) == 0 for day in cutoffs}
    label = np.concatenate([away[day][rows[day]] for day in cutoffs]).astype(np.float32)
    part = np.repeat(np.arange(len(cutoffs)), [int(rows[day].sum()) for day in cutoffs])
    shown = {day: visible(found, day) for day in cutoffs}
    scores: dict[str, float] = {}
    head = TaskHead(kind="binary")
    for question, names in QUESTIONS.items():
        values = [np.column_stack([shown[day], *(found.hidden[day][name] for name in names)]) for day in cutoffs]
        values_RF = np.concatenate([each[rows[day]] for each, day in zip(values, cutoffs, strict=True)])
        features = Features(
            names=tuple(f"number {place}" for place in range(values_RF.shape[1])), values_RF=values_RF, categorical=()
        )
        train, validation = np.flatnonzero(part > 1), np.flatnonzero(part == 1)
        (booster,) = fit_boosters(features, label, train, validation, head, TreeSettings(num_leaves=15))
        asked = part == 0
        scores[question] = float(auroc(label[asked], np.asarray(booster.predict(values_RF[asked]))))
    return scores


def main() -> None:
    """Print a row a question."""
    print("| trees see | AUROC |\n| --- | ---: |")
    for question, score in ceilings(ShopSettings()).items():
        print(f"| {question} | {score:.4f} |")


if __name__ == "__main__":
    main()
