"""How long a training table takes beside hand-written SQL, in one run on one machine: `make bench-query`.

Both label 30-day churn of customers who bought in the last 90 days, at the same cut-offs, over the same files; each
runs in a process of its own, in turns. Prints seconds, the ratio and the peak of memory, and writes them as JSON.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from model.labels.plan import TrainingPlan, suggest_plan
from model.labels.training_table import build_training_table
from model.query import bind_query, parse_query
from model.shop.simulate import PRESETS, generate_shop
from model.tables.database import load_graph, open_database
from model.tables.sql_text import literal

QUERY = (
    "PREDICT COUNT(transactions.*, 0, 30, days) = 0 FOR EACH customers.customer_id "
    "WHERE COUNT(transactions.*, -90, 0, days) > 0"
)
BY_HAND = """
    WITH active AS (SELECT DISTINCT customer_id FROM transactions
                    WHERE t_dat > {at} - INTERVAL 90 DAY AND t_dat <= {at}),
         later AS (SELECT DISTINCT customer_id FROM transactions
                   WHERE t_dat > {at} AND t_dat <= {at} + INTERVAL 30 DAY)
    SELECT customers.customer_id AS entity, {cutoff_ns} AS cutoff_ns, (later.customer_id IS NULL)::INTEGER AS label
    FROM customers JOIN active USING (customer_id) LEFT JOIN later USING (customer_id) ORDER BY entity
"""
"""One cut-off, as one would write it for DuckDB: constant windows, which skip most of the file."""
ONE_SCAN = """
    SELECT customer_id AS entity, {cutoff_ns} AS cutoff_ns, (max(t_dat) <= {at})::INTEGER AS label
    FROM transactions WHERE t_dat > {at} - INTERVAL 90 DAY AND t_dat <= {at} + INTERVAL 30 DAY
    GROUP BY customer_id HAVING min(t_dat) <= {at} AND customer_id IN (SELECT customer_id FROM customers)
    ORDER BY entity
"""
"""The same with one scan, for who knows that churn is a question about the first and the last row alone."""
WAYS = ("planned", "by_hand", "one_scan")


def main() -> None:
    """Generate the tables once, then measure every way in turns."""
    arguments = _arguments()
    tables = arguments.folder / "tables"
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, tables)))
        return
    if not tables.exists():
        generate_shop(PRESETS[arguments.preset], tables)
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(arguments.repeats):
        for way in WAYS:
            runs[way].append(_in_a_process(way, arguments))
    report = report_of(runs)
    arguments.folder.joinpath("report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="hm", choices=sorted(PRESETS))
    parser.add_argument("--folder", type=Path, default=Path("runs/bench_query"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", choices=WAYS, help=argparse.SUPPRESS)
    return parser.parse_args()


def _in_a_process(way: str, arguments: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "scripts.bench_query", "--measure", way, "--folder", str(arguments.folder)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def measure(way: str, tables: Path) -> dict[str, Any]:
    """Seconds, processor seconds, gibibytes and rows of one way; choosing the cut-offs is not counted."""
    with open_database(tables, load_graph(tables)) as database:
        bound = bind_query(parse_query(QUERY), database.graph)
        plan = suggest_plan(database, bound)
        begun, begun_cpu = time.perf_counter(), time.process_time()
        if way == "planned":
            table = build_training_table(database, bound, plan)
            labels = (len(table), float(table.label.sum(dtype=np.float64)))
        else:
            labels = _by_hand(BY_HAND if way == "by_hand" else ONE_SCAN, tables, plan)
        seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - begun_cpu
        return {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
            "rows": labels[0],
            "positive": labels[1],
            "transactions": database.num_rows("transactions"),
            "cutoffs": len(plan.cutoffs_ns(bound)),
        }


def _by_hand(statement: str, tables: Path, plan: TrainingPlan) -> tuple[int, float]:
    """All cut-offs, each as an Arrow table; training rows are thinned to the same number."""
    with duckdb.connect() as connection:
        for name in ("customers", "transactions"):
            source = literal(str(tables / f"{name}.parquet"))
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {source}")  # noqa: S608
        training: list[pa.Table] = []
        later: list[pa.Table] = []
        for cutoff_ns in (*plan.training_ns, *plan.validation_ns, *plan.test_ns):
            at = f"make_timestamp({cutoff_ns // 1000})"
            found = connection.sql(statement.format(at=at, cutoff_ns=cutoff_ns)).to_arrow_table()
            (training if cutoff_ns in plan.training_ns else later).append(found)
    whole = pa.concat_tables(training)
    if len(whole) > plan.max_training_rows:
        kept = np.random.default_rng(plan.seed).choice(len(whole), plan.max_training_rows, replace=False)
        whole = whole.take(pa.array(np.sort(kept)))
    labels = pa.concat_tables([whole, *later])["label"].to_numpy()
    return len(labels), float(labels.sum())


def report_of(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Medians of every way, and the planner's ratio to the faster of the two statements."""
    sums = {(way, run["rows"], run["positive"]) for way, many in runs.items() for run in many}
    assert len({each[1:] for each in sums}) == 1, f"the ways label differently: {sums}"
    middle = {way: {key: median(run[key] for run in many) for key in many[0]} for way, many in runs.items()}
    fastest = min(("by_hand", "one_scan"), key=lambda way: middle[way]["cpu_seconds"])
    return {
        "machine": f"{platform.processor() or platform.machine()}, {platform.system()}",
        **{key: middle["planned"][key] for key in ("transactions", "cutoffs", "rows", "peak_gib")},
        "seconds": {way: middle[way]["seconds"] for way in WAYS},
        "cpu_seconds": {way: middle[way]["cpu_seconds"] for way in WAYS},
        "ratio": {
            "seconds": middle["planned"]["seconds"] / middle[fastest]["seconds"],
            "cpu_seconds": middle["planned"]["cpu_seconds"] / middle[fastest]["cpu_seconds"],
            "against": fastest,
        },
    }


if __name__ == "__main__":
    main()
