"""How fast the deep model samples, trains and embeds on this machine, in one run: `make bench-model`.

The sampler runs on one core over a memory-mapped store of 30 million rows whose customers and articles follow power
laws, beside a numpy implementation over the same arrays. Prints a table and writes `report.json`.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import torch

from model.deep.network import DeepModel, DeepSettings, InputBuilder
from model.deep.sampler import Sampler, SamplerSettings, plan_steps
from model.deep.temporal_search import child_ranges, last_children, visible_parents
from model.graph import Column, Graph, Link, SemanticType, Table
from model.store.row_features import FeatureSettings, fit_features
from model.store.store import GraphStore, build_store, open_store

Int64 = npt.NDArray[np.int64]
DAY_NS = 86_400 * 10**9
NUM_DAYS = 730
BATCH_SEEDS = 1024
LAST = 32


def main() -> None:
    """Build the store where it is not there, measure, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edges", type=int, default=30_000_000)
    parser.add_argument("--folder", type=Path, default=Path("runs/bench_model"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    store = power_law_store(arguments.folder / f"graph_{arguments.edges}", arguments.edges)
    touch(store)
    report = {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}",
        "edges": arguments.edges,
        **sampler_rates(store),
        **step_shares(store),
    }
    (arguments.folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    for name, value in report.items():
        print(f"{name:<44} {value:,.4g}" if isinstance(value, float) else f"{name:<44} {value}")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tables:
    connection: duckdb.DuckDBPyConnection
    graph: Graph


TO_CUSTOMER = Link(child_table="transactions", child_column="customer", parent_table="customers")
TO_ARTICLE = Link(child_table="transactions", child_column="article", parent_table="articles")


def power_law_store(path: Path, num_edges: int) -> GraphStore:
    """Customers <- transactions -> articles, a transaction for each edge: 30 a customer, 300 an article on average."""
    if not path.exists():
        with duckdb.connect() as connection:
            connection.sql("SELECT setseed(0.5)").fetchall()
            many = {"customers": num_edges // 30, "articles": num_edges // 300}
            for name, count in many.items():
                connection.execute(
                    f"CREATE TABLE {name} AS SELECT i AS id, i % 7 AS kind FROM range(?) r(i)",  # noqa: S608
                    [count],
                )
            connection.execute(
                """CREATE TABLE transactions AS SELECT i AS id,
                make_timestamp_ns(CAST(floor(random() * $hours) AS BIGINT) * 3600 * 1000000000) AS t,
                CAST(floor(pow(random(), 2) * $customers) AS BIGINT) AS customer,
                CAST(floor(pow(random(), 3) * $articles) AS BIGINT) AS article,
                random() * 100 AS price FROM range($edges) r(i)""",
                {**many, "hours": NUM_DAYS * 24, "edges": num_edges},
            )
            build_store(_Tables(connection=connection, graph=_graph()), path)
    return open_store(path)


def _graph() -> Graph:
    kinds = {"id": "BIGINT", "customer": "BIGINT", "article": "BIGINT"}
    ids = {name: Column(name=name, semantic_type=SemanticType.ID, storage_type=kind) for name, kind in kinds.items()}
    kind = Column(name="kind", semantic_type=SemanticType.CATEGORICAL, storage_type="BIGINT")
    when = Column(name="t", semantic_type=SemanticType.TIMESTAMP, storage_type="TIMESTAMP")
    price = Column(name="price", semantic_type=SemanticType.NUMERICAL, storage_type="DOUBLE")
    parents = [Table(name=name, primary_key="id", columns=(ids["id"], kind)) for name in ("customers", "articles")]
    lines = Table(name="transactions", primary_key="id", time_column="t", columns=(*ids.values(), when, price))
    return Graph(tables=(*parents, lines), links=(TO_CUSTOMER, TO_ARTICLE))


def touch(store: GraphStore) -> None:
    """Have every page of the arrays mapped, as after the first minutes of a training."""
    for link in (TO_CUSTOMER, TO_ARTICLE):
        near = store.children(link)
        for array in (near.indptr, near.child_rows, near.child_times, near.child_moments, store.parent_rows(link)):
            array.sum()
    for table in ("customers", "articles", "transactions"):
        store.row_times(table).max()


def seeds(store: GraphStore, number: int, seed: int) -> tuple[Int64, Int64]:
    """Random customers, each at a random moment of the second year."""
    rng = np.random.default_rng(seed)
    times = rng.integers(NUM_DAYS // 2 * DAY_NS, NUM_DAYS * DAY_NS, number)
    return rng.integers(store.num_rows("customers"), size=number), times


def per_second(
    store: GraphStore, work: Callable[[Int64, Int64], object], batch: int = BATCH_SEEDS, repeats: int = 40
) -> float:
    """Seeds that one core does a second in `work(rows, times)`: the median over batches of fresh seeds.

    Processor time is counted, so that a core that others use too does not look slower than it is.
    """
    taken = []
    for repeat in range(-2, repeats):
        rows, times = seeds(store, batch, repeat + 2)
        begun = time.thread_time()
        work(rows, times)
        taken.append(time.thread_time() - begun)
    return batch / median(taken[2:])


def sampler_rates(store: GraphStore) -> dict[str, float]:
    """Seeds a second of the last 32 and of two hops, ours and numpy's, and that both find the same rows."""
    near = store.children(TO_CUSTOMER)
    numpy_sampler = NumpySampler(store)
    two_hops = Sampler(store, "customers", SamplerSettings(fanouts=(16, 16)))

    def last(rows: Int64, times: Int64) -> npt.NDArray[np.int32]:
        end, count = child_ranges(near.indptr, near.child_times, rows.astype(np.int32)[:, None], times)
        found: npt.NDArray[np.int32] = last_children(near.child_rows, end, count, LAST)
        return found

    articles, article_times = store.parent_rows(TO_ARTICLE), store.row_times("articles")

    def neighbours(rows: Int64, times: Int64) -> npt.NDArray[np.int32]:
        end, count = child_ranges(near.indptr, near.child_times, rows.astype(np.int32)[:, None], times)
        children = last_children(near.child_rows, end, count, 16)
        found: npt.NDArray[np.int32] = visible_parents(articles, article_times, children, times)
        return found

    rows, times = seeds(store, 4096, 1)
    np.testing.assert_array_equal(last(rows, times), numpy_sampler.last_children(rows, times, LAST))
    for ours, plain in zip(two_hops.sample(rows, times)[1:], numpy_sampler.two_hops(rows, times), strict=True):
        np.testing.assert_array_equal(ours.rows_BM, plain[:, : ours.rows_BM.shape[1]])
    rates = {
        "last_32_seeds_per_s": per_second(store, last),
        "last_32_numpy_seeds_per_s": per_second(store, lambda r, t: numpy_sampler.last_children(r, t, LAST)),
        "two_hops_16x16_with_degrees_seeds_per_s": per_second(store, two_hops.sample),
        "two_hops_16x16_seeds_per_s": per_second(store, neighbours),
        "two_hops_16x16_numpy_seeds_per_s": per_second(store, numpy_sampler.two_hops),
    }
    rates["last_32_times_numpy"] = rates["last_32_seeds_per_s"] / rates["last_32_numpy_seeds_per_s"]
    rates["two_hops_times_numpy"] = rates["two_hops_16x16_seeds_per_s"] / rates["two_hops_16x16_numpy_seeds_per_s"]
    return rates


class NumpySampler:
    """The same neighbourhoods by vectorised searches in one sorted array of (parent, second) keys, and nothing more:
    no ages, no degrees."""

    def __init__(self, store: GraphStore) -> None:
        self.near = store.children(TO_CUSTOMER)
        self.articles = store.parent_rows(TO_ARTICLE)
        parents = np.repeat(np.arange(len(self.near.indptr) - 1), np.diff(self.near.indptr))
        self.keys = (parents << 32) | (self.near.child_times // 10**9)

    def last_children(self, rows: Int64, times: Int64, fanout: int) -> npt.NDArray[np.int32]:
        """[seeds, fanout] newest first, padded with -1."""
        end = np.searchsorted(self.keys, (rows << 32) | (times // 10**9), side="right")
        places = end[:, None] - 1 - np.arange(fanout)
        there = places >= self.near.indptr[rows][:, None]
        return np.where(there, self.near.child_rows[np.maximum(places, 0)], -1)

    def two_hops(self, rows: Int64, times: Int64) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """The last 16 transactions and their articles."""
        children = self.last_children(rows, times, 16)
        return children, np.where(children >= 0, self.articles[np.maximum(children, 0)], -1)


def step_shares(store: GraphStore) -> dict[str, Any]:
    """What a training step of the default network spends on sampling, on encoding, and on learning."""
    features = fit_features(store, NUM_DAYS * DAY_NS, FeatureSettings())
    settings = SamplerSettings()
    builder = InputBuilder(store, "customers", features, settings)
    model = DeepModel(store.graph, plan_steps(store.graph, "customers", settings), features, DeepSettings())
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)

    def learn(rows: Int64, times: Int64, *, half: bool = False) -> None:
        inputs = builder.build(rows, times)
        model.train()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            logit, _ = model(inputs)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logit.float(), torch.zeros(len(rows)))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()

    def learn_in_bfloat16(rows: Int64, times: Int64) -> None:
        learn(rows, times, half=True)

    batch = 256
    works: dict[str, Callable[[Int64, Int64], object]] = {
        "sampling": builder.sampler.sample,
        "inputs": builder.build,
        "step": learn,
        "bfloat16_step": learn_in_bfloat16,
    }
    seconds = {name: batch / per_second(store, work, batch, repeats=8) for name, work in works.items()}
    return {
        "training_step_ms": 1e3 * seconds["step"],
        "training_step_bfloat16_ms": 1e3 * seconds["bfloat16_step"],
        "sampling_share_of_step": seconds["sampling"] / seconds["step"],
        "sampling_and_encoding_share_of_step": seconds["inputs"] / seconds["step"],
    }


if __name__ == "__main__":
    main()
