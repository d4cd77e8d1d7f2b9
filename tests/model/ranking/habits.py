"""A shop of habits for tests of rankings: everybody buys from a few items of their own, and from what is in fashion."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.deep.network import DeepSettings
from model.deep.sampler import SamplerSettings
from model.labels.training_table import TrainingTable, build_training_table, suggest_plan
from model.query import BoundQuery, bind_query, parse_query
from model.ranking.items import Ranked, ranked
from model.ranking.train import RankSettings
from model.store.store import GraphStore, build_store, open_store
from model.tables.database import open_database
from tests.model.little_tables import day, write_tables

NUM_USERS, NUM_ITEMS, DAYS = 80, 40, 120
QUERY = "PREDICT LIST_DISTINCT(orders.item_id, 0, 10, days) RANK TOP 5 FOR EACH users.user_id"
SETTINGS = RankSettings(
    model=DeepSettings(width=16, num_layers=1, num_heads=2, feed_forward=32, embedding_dim=8),
    sampler=SamplerSettings(fanouts=(4,)),
    max_rows=4000,
    batch_rows=64,
    num_evaluations=3,
    learning_rate=1e-2,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Habits:
    tables: Path
    store: GraphStore
    bound: BoundQuery
    table: TrainingTable
    what: Ranked


def write_habits(folder: Path, planted_day: float | None = None) -> Path:
    """Half of the orders are of three items of the user's own, the others of those in fashion, which change monthly.

    On `planted_day` everybody orders the first item too.
    """
    rng = np.random.default_rng(3)
    own = np.array([rng.choice(NUM_ITEMS, 3, replace=False) for _ in range(NUM_USERS)])
    user, item, placed = [], [], []
    for number in range(NUM_USERS):
        times = np.sort(rng.uniform(0, DAYS, 30))
        fashion = (np.floor(times / 30).astype(int) * 7 + rng.integers(0, 5, len(times))) % NUM_ITEMS
        mine = rng.choice(own[number], len(times), p=[0.6, 0.3, 0.1])
        item += np.where(rng.random(len(times)) < 0.5, mine, fashion).tolist()
        user += [number] * len(times)
        placed += [day(float(time)) for time in times]
    if planted_day is not None:
        user += range(NUM_USERS)
        item += [0] * NUM_USERS
        placed += [day(planted_day)] * NUM_USERS
    return write_tables(
        folder,
        users={"user_id": list(range(NUM_USERS)), "town": ["Lyon", "Metz"] * (NUM_USERS // 2)},
        items={"item_id": [f"i{n:02d}" for n in range(NUM_ITEMS)], "size": [float(n % 4) for n in range(NUM_ITEMS)]},
        orders={
            "order_id": list(range(len(user))),
            "user_id": user,
            "item_id": [f"i{n:02d}" for n in item],
            "placed": placed,
        },
    )


def make_habits(folder: Path) -> Habits:
    """Tables, store and labelled rows."""
    tables = write_habits(folder / "tables")
    with open_database(tables) as database:
        build_store(database, folder / "graph")
        store = open_store(folder / "graph")
        bound = bind_query(parse_query(QUERY), database.graph)
        table = build_training_table(database, bound, suggest_plan(database, bound))
    return Habits(tables=tables, store=store, bound=bound, table=table, what=ranked(bound, store))
