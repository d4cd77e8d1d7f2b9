"""What the simulated shop knows of its articles and customers: what it shows, and what it hides.

`model/shop/simulate.py` moves this state day by day; `docs/shop.md` tells the story.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from model.errors import UserError

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

Signal = Literal["life_cycle", "seasons", "promotions", "fashion", "heat"]
"""Effects that can be switched off."""
ENGAGED, COOLING, LAPSED = 0, 1, 2
STAGE_FACTOR = np.array([1.0, 0.35, 0.02], dtype=np.float32)
"""Visits a day relative to an engaged customer, by stage."""

PRODUCT_TYPES = (
    "dress",
    "top",
    "trousers",
    "sweater",
    "jacket",
    "shoes",
    "swimwear",
    "scarf",
    "shirt",
    "skirt",
    "socks",
    "bag",
)
COLOURS = ("black", "white", "blue", "red", "green", "beige", "grey", "pink", "yellow", "brown")
APPEARANCES = ("solid", "stripe", "check", "dot", "denim", "print", "lace", "melange")
DEPARTMENTS = ("basics", "office", "sport", "party", "young", "outdoor", "home", "classic")
CLUB = ("ACTIVE", "PRE-CREATE", "LEFT CLUB")
NEWS = ("NONE", "Monthly", "Regularly")
SEASON_PEAK_DAY = {"swimwear": 180, "dress": 160, "skirt": 170, "scarf": 350, "jacket": 320, "sweater": 335}
"""Day of the year at which a seasonal product type sells best."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShopSettings:
    """How big the shop is and how strong each hidden effect; a strength of 0 switches the effect off."""

    num_customers: int = 20_000
    num_articles: int = 1_500
    num_days: int = 730
    seed: int = 7
    num_taste_groups: int = 10
    life_cycle: float = 1.0
    """Customers cool down and lapse."""
    seasons: float = 1.0
    """The year moves visits and what sells."""
    promotions: float = 1.0
    """Discount weeks draw price-sensitive customers, who drift off afterwards."""
    fashion: float = 1.0
    """Articles become fashionable through buyers of one taste; out-of-fashion purchases disappoint."""
    heat: float = 1.0
    """Whole taste groups warm up and cool down over months."""

    def __post_init__(self) -> None:
        for name in ("num_customers", "num_articles", "num_days", "num_taste_groups"):
            if getattr(self, name) < 1:
                raise UserError(f"`{name}` must be at least 1 (got {getattr(self, name)})")

    def without(self, signals: Sequence[Signal]) -> "ShopSettings":
        """The same shop with some signals switched off."""
        off: dict[str, float] = dict.fromkeys(signals, 0.0)
        return replace(self, **off)  # type: ignore[arg-type]


class Articles:
    """What is on the shelves: visible attributes, and how fashionable each article is for each taste group."""

    def __init__(self, settings: ShopSettings, rng: np.random.Generator) -> None:
        count, groups = settings.num_articles, settings.num_taste_groups
        self.article_id = 108_775_001 + 7 * np.arange(count, dtype=np.int64)
        self.product_type = rng.integers(len(PRODUCT_TYPES), size=count)
        self.colour = rng.choice(len(COLOURS), size=count, p=_zipf(len(COLOURS)))
        self.appearance = rng.choice(len(APPEARANCES), size=count, p=_zipf(len(APPEARANCES)))
        self.department = rng.integers(len(DEPARTMENTS), size=count)
        self.base_price = np.exp(rng.normal(3.0, 0.5, count)).astype(np.float32)
        # Half of the range is there from the start, the other half arrives over time.
        self.launch_day = np.where(rng.random(count) < 0.5, 0, rng.integers(0, settings.num_days, count))
        taste_of_department = rng.dirichlet(np.full(groups, 1.0), size=len(DEPARTMENTS))
        taste_of_colour = rng.dirichlet(np.full(groups, 2.0), size=len(COLOURS))
        affinity = (
            taste_of_department[self.department] * taste_of_colour[self.colour] * rng.gamma(2.0, 0.5, (count, groups))
        )
        self.affinity_GA = (affinity / affinity.sum(axis=0)).T.astype(np.float32)
        self.fashion_GA = np.ones((groups, count), dtype=np.float32)
        self.strength = settings.fashion
        self.peak_day = np.array([SEASON_PEAK_DAY.get(name, -1) for name in PRODUCT_TYPES])[self.product_type]
        self.season_strength = settings.seasons

    def appeal(self, day: int) -> Floats:
        """[group, article] how likely a visitor of the group picks the article, not normalised."""
        off_peak = np.abs((day - self.peak_day + 182) % 365 - 182) / 182
        season = np.where(self.peak_day < 0, 1.0, np.exp(-3.0 * self.season_strength * off_peak)).astype(np.float32)
        on_sale = (self.launch_day <= day).astype(np.float32)
        appeal_GA: Floats = self.affinity_GA * self.fashion_GA * (season * on_sale)
        return appeal_GA

    def spread(self, bought_GA: Floats, num_buyers_G: Floats) -> None:
        """One day passes: buyers of one taste infect their group, and everything ages a little."""
        share = bought_GA / np.maximum(num_buyers_G, 1.0)[:, None] * self.fashion_GA.shape[1]
        self.fashion_GA += self.strength * 0.02 * np.minimum(share, 50.0)
        self.fashion_GA *= 1.0 - 0.035 * self.strength
        self.fashion_GA += 0.035 * self.strength * 0.6
        np.clip(self.fashion_GA, 0.2, 25.0, out=self.fashion_GA)

    def table(self) -> pa.Table:
        """The rows that the shop would publish."""
        return pa.table(
            {
                "article_id": self.article_id,
                "product_type_name": np.array(PRODUCT_TYPES)[self.product_type],
                "colour_group_name": np.array(COLOURS)[self.colour],
                "graphical_appearance_name": np.array(APPEARANCES)[self.appearance],
                "department_name": np.array(DEPARTMENTS)[self.department],
            }
        )


class Customers:
    """Who buys: visible attributes, hidden traits, and the hidden stage of the life cycle."""

    def __init__(self, settings: ShopSettings, rng: np.random.Generator) -> None:
        count = settings.num_customers
        self.customer_id = 100_000 + 3 * np.arange(count, dtype=np.int64)
        self.age = np.clip(rng.normal(36, 13, count), 16, 90).astype(np.int16)
        self.club = rng.choice(len(CLUB), size=count, p=[0.90, 0.07, 0.03])
        self.news = rng.choice(len(NEWS), size=count, p=[0.60, 0.05, 0.35])
        self.region = rng.integers(40, size=count)
        self.taste = rng.integers(settings.num_taste_groups, size=count)
        self.price_sensitivity = rng.beta(1.5, 3.0, count).astype(np.float32)
        self.online_share = rng.beta(2.0, 1.5, count).astype(np.float32)
        self.first_day = np.where(rng.random(count) < 0.55, 0, rng.integers(0, settings.num_days, count))
        # Visits a day of an engaged customer: mostly rare, some weekly; the young and readers of the news come more.
        rate = (
            rng.gamma(1.3, 1 / 63.5, count)
            * (1.25 - 0.01 * (self.age - 36).clip(-15, 25))
            * np.array([0.9, 1.0, 1.25])[self.news]
        )
        self.visits_a_day = np.minimum(rate, 0.5).astype(np.float32)
        self.loyalty = (rng.gamma(2.0, 0.5, count) * np.array([1.1, 0.9, 0.6])[self.club]).astype(np.float32)
        self.stage = np.full(count, ENGAGED, dtype=np.int8)
        self.last_article = np.full(count, -1, dtype=np.int32)
        self.fashion_when_bought = np.ones(count, dtype=np.float32)
        self.bought_on_promotion = np.zeros(count, dtype=np.float32)

    def table(self) -> pa.Table:
        """The rows that the shop would publish."""
        return pa.table(
            {
                "customer_id": self.customer_id,
                "age": self.age,
                "club_member_status": np.array(CLUB)[self.club],
                "fashion_news_frequency": np.array(NEWS)[self.news],
                "postal_region": np.array([f"R{region:02d}" for region in range(40)])[self.region],
            }
        )


def _zipf(count: int) -> npt.NDArray[np.float64]:
    weights: npt.NDArray[np.float64] = 1.0 / np.arange(1, count + 1)
    weights /= weights.sum()
    return weights
