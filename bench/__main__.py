"""`make bench` and `make bench-quick`: measure, print the table, write `report.json`.

python -m bench [--quick] [--only PART ...] [--peers NAME ...] [--rounds N] [--folder runs/bench]
"""

import argparse
import signal
import sys
from dataclasses import replace
from pathlib import Path

from bench.bench import Bench
from bench.settings import PARTS, BenchSettings, quick
from bench.table import table
from model.errors import UserError


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the two ratios in two minutes")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="these parts; others stay as they were measured")
    parser.add_argument("--peers", nargs="+", default=[], help="compare with these alone")
    parser.add_argument("--rounds", type=int, help="how often everyone is measured")
    parser.add_argument("--embeddings", type=int, help="entities in the embedding table")
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    # So that a run that is ended ends what it started.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    base = quick(given.folder or Path("runs/bench-quick")) if given.quick else BenchSettings()
    try:
        settings = replace(
            base,
            folder=given.folder or base.folder,
            parts=tuple(part for part in PARTS if part in (given.only or base.parts)),
            peers=tuple(given.peers) or base.peers,
            rounds=base.rounds if given.rounds is None else given.rounds,
            num_embeddings=base.num_embeddings if given.embeddings is None else given.embeddings,
        )
        report = Bench(settings, lambda text: print(text, flush=True)).run()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"\n{table(report)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
