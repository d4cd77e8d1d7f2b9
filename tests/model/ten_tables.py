"""Ten little tables as companies have them: keys of numbers and of text, gaps, two links to one table, an empty one."""

from pathlib import Path

import numpy as np
import pandas as pd

from tests.model.little_tables import day

NUM_DAYS = 240
QUERY = (
    "PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH customers.customer_id WHERE COUNT(orders.*, -90, 0, days) > 0"
)


def write_ten_tables(folder: Path, *, num_customers: int = 150, seed: int = 0) -> Path:
    """Customers with a rate of their own order, send money, complain; nobody has ever returned anything."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)

    def gaps(values: np.ndarray, share: float = 0.2) -> pd.Series:
        return pd.Series(values).astype(object).mask(rng.random(len(values)) < share)

    def write(name: str, **columns: object) -> pd.DataFrame:
        frame = pd.DataFrame(columns)
        frame.to_parquet(folder / f"{name}.parquet", index=False)
        return frame

    def moments(number: int, after: float = 0.0) -> list[pd.Timestamp]:
        return [day(moment) for moment in np.sort(rng.uniform(after, NUM_DAYS, number))]

    shops = write("stores", store_code=[f"S{i:02d}" for i in range(7)], city=gaps(rng.choice(["Ulm", "Köln"], 7)))
    write("suppliers", supplier_id=np.arange(5) + 1, rating=gaps(rng.normal(size=5)).astype(float))
    skus = [f"sku-{i}" for i in range(30)]
    write(
        "products", sku=skus, supplier_id=rng.integers(1, 6, 30), price=gaps(rng.gamma(2, 9, 30)).astype(float),
        category=gaps(rng.choice(["toys", "tools", "food"], 30)),
    )  # fmt: skip
    customers = 9000 + 3 * np.arange(num_customers)
    write(
        "customers", customer_id=customers, store_code=gaps(rng.choice(shops.store_code, num_customers)),
        signed_up=[day(-moment) for moment in rng.uniform(0, 300, num_customers)],
        age=gaps(rng.integers(18, 80, num_customers)).astype(float), newsletter=rng.random(num_customers) < 0.5,
    )  # fmt: skip
    accounts = [f"DE{i:06d}" for i in range(num_customers)]
    write(
        "accounts", account=accounts, customer_id=rng.permutation(customers), kind=rng.choice(["a", "b"], num_customers)
    )
    write(
        "transfers", transfer_id=np.arange(500), from_account=rng.choice(accounts, 500),
        to_account=gaps(rng.choice(accounts, 500), 0.05), amount=rng.lognormal(3, 1, 500), sent_at=moments(500),
    )  # fmt: skip
    rate = rng.gamma(0.7, size=num_customers)
    number = 60 * num_customers // 3
    buyers = rng.choice(customers, number, p=rate / rate.sum())
    orders = write(
        "orders", order_id=[f"O-{i}" for i in range(number)], customer_id=buyers, ordered_at=moments(number),
        store_code=gaps(rng.choice(shops.store_code, number)),
    )  # fmt: skip
    lines = rng.choice(number, 2 * number)
    write(
        "order_lines", order_id=orders.order_id.to_numpy()[lines], sku=rng.choice(skus, 2 * number),
        quantity=rng.integers(1, 6, 2 * number), discount=gaps(rng.random(2 * number)).astype(float),
    )  # fmt: skip
    write(
        "tickets", ticket_id=np.arange(80), customer_id=rng.choice(customers, 80), opened_at=moments(80),
        severity=rng.choice(["low", "high"], 80),
    )  # fmt: skip
    write(
        "returns", return_id=pd.Series([], dtype="int64"), order_id=pd.Series([], dtype="str"),
        customer_id=pd.Series([], dtype="int64"), returned_at=pd.Series([], dtype="datetime64[ns]"),
        fee=pd.Series([], dtype="float64"),
    )  # fmt: skip
    return folder
