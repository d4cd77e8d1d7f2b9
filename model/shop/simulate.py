"""A seeded, simulated fashion shop in the shape of H&M's tables: customers, articles, transactions.

    stillhouse generate --preset demo --out runs/shop

Hidden state drives what the tables show; `docs/shop.md` tells the story. Per day, in this order:

    season x promotion x life-cycle stage x heat of the taste group  ->  who visits
    taste group x fashion of the article x season of the article     ->  what they buy
    yesterday's buyers of one taste make an article more fashionable for that taste, and age makes it less
    what a customer last bought going out of fashion, a promotion ending, and a cooling taste group  ->  who drifts off
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model.artifact import Artifact, read_artifact, write_artifact
from model.progress import Progress, silent
from model.shop.state import DEPARTMENTS, ENGAGED, LAPSED, STAGE_FACTOR, Articles, Customers, Floats, Ints, ShopSettings

FIRST_DAY = np.datetime64("2023-01-01")
PRESETS = {
    "tiny": ShopSettings(num_customers=600, num_articles=120, num_days=400),
    "demo": ShopSettings(),
    "hm": ShopSettings(num_customers=1_371_980, num_articles=105_542),
}
"""`tiny` for tests, `demo` for the demo, `hm` as large as the public H&M tables."""


def generate_shop(settings: ShopSettings, path: Path, progress: Progress = silent) -> Artifact:
    """Simulate the shop and write `customers.parquet`, `articles.parquet` and `transactions.parquet` (kind `tables`).

    Transactions are streamed day by day, so memory does not grow with the number of days.
    """
    shop = new_shop(settings)
    with write_artifact(path, kind="tables", settings=asdict(settings)) as draft:
        pq.write_table(shop.customers.table(), draft.path / "customers.parquet")
        pq.write_table(shop.articles.table(), draft.path / "articles.parquet")
        num_transactions = 0
        with pq.ParquetWriter(draft.path / "transactions.parquet", _TRANSACTIONS) as writer:
            for batch in _buffered(_simulate(shop, progress), num_rows=500_000):
                num_transactions += batch.num_rows
                writer.write_table(batch)
        draft.metrics["num_transactions"] = num_transactions
    return read_artifact(path, kind="tables")


_TRANSACTIONS = pa.schema(
    [
        ("transaction_id", pa.int64()),
        ("t_dat", pa.timestamp("s")),
        ("customer_id", pa.int64()),
        ("article_id", pa.int64()),
        ("price", pa.float32()),
        ("sales_channel_id", pa.int8()),
    ]
)


@dataclass(kw_only=True, slots=True)
class Shop:
    """The whole state between two days; days change it in place."""

    settings: ShopSettings
    articles: Articles
    customers: Customers
    heat_G: Floats  # noqa: N815 -- names of tensors end in their shape
    """[taste group] how warm each group is."""
    rng: np.random.Generator
    day: int = 0
    """The next day to open."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sale:
    """What one day sold, a line each."""

    buyer: Ints
    """[lines] position of the customer."""
    article: Ints
    """[lines] position of the article."""
    discount_D: Floats  # noqa: N815
    """[department] share taken off the price."""


def new_shop(settings: ShopSettings) -> Shop:
    """The shop on the morning of its first day."""
    rng = np.random.default_rng(settings.seed)
    articles = Articles(settings, rng)
    customers = Customers(settings, rng)
    heat_G = np.zeros(settings.num_taste_groups, dtype=np.float32)
    return Shop(settings=settings, articles=articles, customers=customers, heat_G=heat_G, rng=rng)


def run_day(shop: Shop) -> Sale:
    """What happens while the shop is open: the heat moves, customers come and buy."""
    change_G = shop.rng.normal(0, 0.045, shop.settings.num_taste_groups).astype(np.float32)
    shop.heat_G += change_G - 0.006 * shop.heat_G
    discount_D = discounts(shop)
    rate = visit_rates(shop, shop.customers)
    visitors = np.flatnonzero(shop.rng.random(len(rate), dtype=np.float32) < rate)
    buyer, article = _baskets(shop.customers, shop.articles, visitors, shop.day, shop.rng)
    return Sale(buyer=buyer, article=article, discount_D=discount_D)


def end_day(shop: Shop, sale: Sale) -> None:
    """What the day leaves behind: memories, fashions, and customers who drift."""
    _remember(shop.customers, shop.articles, sale)
    drift(shop, shop.customers)
    shop.day += 1


def sold(shop: Shop, sale: Sale, first_id: int) -> pa.Table:
    """The day's rows of `transactions`; draws their times, so that it belongs between `run_day` and `end_day`."""
    return _transactions(
        shop.customers, shop.articles, sale.buyer, sale.article, sale.discount_D, shop.day, first_id, shop.rng
    )


def _simulate(shop: Shop, progress: Progress) -> Iterator[pa.Table]:
    """Yield one table of transactions a day, in order of time."""
    next_id = 1
    for day in range(shop.settings.num_days):
        sale = run_day(shop)
        yield sold(shop, sale, next_id)
        next_id += len(sale.buyer)
        end_day(shop, sale)
        progress(day + 1, shop.settings.num_days)


def discounts(shop: Shop) -> Floats:
    """[department] share taken off the price today: each department has a sale of ten days now and then."""
    department = np.arange(len(DEPARTMENTS))
    running = (shop.day + 23 * department) % 91 < 10
    return (0.3 * min(shop.settings.promotions, 1.0) * running).astype(np.float32)


def visit_rates(shop: Shop, customers: Customers) -> Floats:
    """[customer] chance to come today; above 1 is sure."""
    settings, day = shop.settings, shop.day
    yearly = 1.0 + 0.25 * settings.seasons * np.cos(2 * np.pi * (day - 340) / 365)
    weekly = 1.25 if day % 7 in (5, 6) else 0.9
    pull = 1.0 + 2.5 * settings.promotions * float(discounts(shop).max()) * customers.price_sensitivity
    heat = np.exp(0.6 * settings.heat * shop.heat_G)[customers.taste]
    rate: Floats = customers.visits_a_day * STAGE_FACTOR[customers.stage] * pull * heat * np.float32(yearly * weekly)
    rate *= customers.first_day <= day
    return rate


def _baskets(
    customers: Customers, articles: Articles, visitors: Ints, day: int, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """(customer position, article position) of every line sold today, one visit's lines together."""
    buyer = np.repeat(visitors, 1 + rng.geometric(0.45, len(visitors)).clip(max=12) - 1)
    cumulative_GA = np.cumsum(articles.appeal(day), axis=1, dtype=np.float64)
    article = np.empty(len(buyer), dtype=np.int64)
    taste = customers.taste[buyer]
    for group, cumulative_A in enumerate(cumulative_GA):
        mine = np.flatnonzero(taste == group)
        drawn = np.searchsorted(cumulative_A, rng.random(len(mine)) * cumulative_A[-1], side="right")
        article[mine] = np.minimum(drawn, len(cumulative_A) - 1)
    return buyer, article


def _transactions(
    customers: Customers,
    articles: Articles,
    buyer: Ints,
    article: Ints,
    discount_D: Floats,
    day: int,
    first_id: int,
    rng: np.random.Generator,
) -> pa.Table:
    """Today's sales, in order of time; the shop is open from 8 to 22."""
    second_of_visit = rng.integers(8 * 3600, 22 * 3600, len(customers.customer_id))[buyer]
    order = np.argsort(second_of_visit, kind="stable")
    buyer, article = buyer[order], article[order]
    time = (FIRST_DAY + day).astype("datetime64[s]") + second_of_visit[order].astype("timedelta64[s]")
    price = articles.base_price[article] * (1 - discount_D[articles.department[article]])
    return pa.table(
        {
            "transaction_id": first_id + np.arange(len(buyer), dtype=np.int64),
            "t_dat": time,
            "customer_id": customers.customer_id[buyer],
            "article_id": articles.article_id[article],
            "price": price.round(2).astype(np.float32),
            "sales_channel_id": np.where(rng.random(len(buyer)) < customers.online_share[buyer], 2, 1).astype(np.int8),
        },
        schema=_TRANSACTIONS,
    )


def _remember(customers: Customers, articles: Articles, sale: Sale) -> None:
    """What a purchase leaves behind in the customer, and in the fashion of the article."""
    buyer, article, discount_D = sale.buyer, sale.article, sale.discount_D
    groups, count = articles.fashion_GA.shape
    taste = customers.taste[buyer]
    customers.last_article[buyer] = article
    customers.fashion_when_bought[buyer] = articles.fashion_GA[taste, article]
    customers.bought_on_promotion[buyer] = (discount_D[articles.department[article]] > 0).astype(np.float32)
    bought_GA = np.bincount(taste * count + article, minlength=groups * count).reshape(groups, count).astype(np.float32)
    articles.spread(bought_GA, bought_GA.sum(axis=1))


def drift(shop: Shop, customers: Customers) -> None:
    """Move customers between engaged, cooling and lapsed."""
    settings, articles, rng = shop.settings, shop.articles, shop.rng
    if settings.life_cycle == 0:
        return
    bought = customers.last_article >= 0
    now = articles.fashion_GA[customers.taste, customers.last_article]
    faded = np.where(bought, np.clip(1 - now / customers.fashion_when_bought, 0, 1), 0)
    push = 2.6 * settings.fashion * faded - 1.0 * settings.heat * shop.heat_G[customers.taste]
    push += 1.4 * settings.promotions * customers.bought_on_promotion * customers.price_sensitivity
    hazard = 0.004 * settings.life_cycle * np.exp(push) / np.maximum(customers.loyalty, 0.1) * bought
    chance = rng.random(len(hazard), dtype=np.float32)
    leaving = chance < np.minimum(hazard, 0.5)
    returning = chance > 1 - np.where(customers.stage == LAPSED, 0.0015, 0.012) * np.minimum(customers.loyalty, 2)
    stage = customers.stage
    stage[:] = np.where(
        leaving & (stage < LAPSED), stage + 1, np.where(returning & (stage > ENGAGED), stage - 1, stage)
    )


def _buffered(tables: Iterator[pa.Table], num_rows: int) -> Iterator[pa.Table]:
    """Join daily tables into pieces of about `num_rows`, one parquet row group each."""
    buffer: list[pa.Table] = []
    for table in tables:
        buffer.append(table)
        if sum(piece.num_rows for piece in buffer) >= num_rows:
            yield pa.concat_tables(buffer)
            buffer = []
    if buffer:
        yield pa.concat_tables(buffer)
