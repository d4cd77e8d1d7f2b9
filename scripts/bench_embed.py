"""How fast and in how much memory a batch embeds, over any run's graph store: entities a second, seconds, GiB.

    python -m scripts.bench_embed --run runs/hm --share 0.1

The deep model is of the default size with weights that nobody trained: the time does not depend on what they are.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
import torch

from model.artifact import write_artifact
from model.deep.embed import embed
from model.deep.network import DeepSettings
from model.deep.sampler import SamplerSettings
from model.deep.scores import make_deep, save_deep
from model.run_folder import RunFolder
from model.store.row_features import FeatureSettings, fit_features
from model.store.store import open_store
from model.task import TaskHead


def main() -> None:
    """Embed a share of one table's entities as of the newest row, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--table", default="customers")
    parser.add_argument("--share", type=float, default=1.0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder = RunFolder(arguments.run)
    store = open_store(folder.graph)
    begun, begun_cpu = time.monotonic(), time.process_time()
    features = fit_features(store, store.last_time_ns, FeatureSettings())
    head = TaskHead(kind="binary")
    deep = make_deep(store, features, SamplerSettings(), DeepSettings(), entity_table=arguments.table, head=head)
    with write_artifact(folder.root / "bench_deep", kind="deep") as draft:
        save_deep(deep, deep.model.state_dict(), draft.path)
    fitted, fitted_cpu = time.monotonic(), time.process_time()
    keys = store.keys(arguments.table)
    chosen = np.random.default_rng(0).permutation(len(keys))[: max(1, round(len(keys) * arguments.share))]
    artifact = embed(
        store, folder.root / "bench_deep", store.last_time_ns, folder.embeddings("bench_embeddings"),
        lambda done, total: print(f"\r{done:,} of {total:,}", end="", flush=True),
        keys=keys[np.sort(chosen)], say=print,
    )  # fmt: skip
    count = int(artifact.metrics["count"])
    seconds, cpu_seconds = time.monotonic() - fitted, time.process_time() - fitted_cpu
    report = {
        "entities": count,
        "of": len(keys),
        "rows_in_the_store": {table.name: store.num_rows(table.name) for table in store.graph.tables},
        "fitting_features_cpu_seconds": fitted_cpu - begun_cpu,
        "fitting_features_seconds": fitted - begun,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "entities_per_second": count / seconds,
        "entities_per_cpu_second": count / cpu_seconds,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }
    print("\n" + json.dumps(report, indent=2))
    (folder.root / "bench_embed.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
