"""Where a prediction's microseconds go: a real Triton under load -> a table, part by part, from its own metrics.

    python -m scripts.profile_engine runs/demo/repository --rate 1000 --seconds 10 --json runs/profile.json

Payloads are made from the contract: histories of 4, 8, 16 and 32 rows, categories that the model knows. The numpy
engine tells no parts of its own; its line `model` is all that Triton sees of it.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import numpy as np

from model.artifact import read_artifact
from model.contract import Datatype, PayloadContract, TensorSpec, read_contract
from model.errors import UserError
from model.graph import SemanticType
from model.payload import RequestValues, Value, request_tensors
from model.served.embedding_table import EmbeddingTable
from model.served.features import TableFeatures, features_from_json
from serving.client_wire import json_content
from serving.load import LoadRunner, LoadSettings
from serving.twin.paths import find_triton
from serving.twin.triton import Repository, TritonLaunch, TritonPorts, link_backends

PARTS = ("read", "encode", "network", "respond")
"""Of the compiled engine, in the order of a batch."""
TRITON_PARTS = {"queue": "queue", "model": "compute_infer", "answer": "compute_output"}
_ROWS = (4, 8, 16, 32)
_NO_TOKEN = ""
_NUM_PAYLOADS = 128
_NS_PER_DAY = 86_400 * 10**9
_READY_S, _TOLD_S = 60, 10
_COUNT, _SCORED = "nv_inference_count", "scored"


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineProfile:
    """One run."""

    engine: str
    requests: int
    batches: int
    rate_per_s: float
    p50_ms: float
    processor_us: float
    """Of all of Triton's threads, a request."""
    part_us: Mapping[str, float]
    """Of the engine's own parts, on the clock, a request; empty where the engine does not tell them."""
    triton_us: Mapping[str, float]
    """Of Triton's own statistics, on the clock, a request; `answer` is the engine's `respond` seen from outside."""


def payloads(repository: Path, model_name: str, contract: PayloadContract) -> list[bytes]:
    """Bodies in JSON of entities that have an embedding."""
    version = repository / model_name / "1"
    features = features_from_json((version / "features.json").read_text("utf-8"))
    table = EmbeddingTable.open(version / "embeddings", base_digest=contract.base_digest, dim=contract.embedding_dim)
    random = np.random.default_rng(0)
    keys = random.choice(table.keys, _NUM_PAYLOADS).tolist()
    bodies = []
    for number, key in enumerate(keys):
        anchor_ns = table.cutoff_ns + int(random.integers(0, _NS_PER_DAY))
        facts = {spec.name: _value(spec, features["entity"], random, anchor_ns) for spec in contract.facts()}
        interactions = {
            history.path: {
                spec.column: [_value(spec, features[history.path], random, anchor_ns) for _ in range(_ROWS[number % 4])]
                for spec in contract.interaction_columns(history.path)
            }
            for history in contract.interactions
        }
        values = RequestValues(
            anchor_time_ns=anchor_ns, facts=facts | {contract.embedding_key: key}, interactions=interactions
        )
        bodies.append(json_content(request_tensors(contract, [values]))[0])
    return bodies


def _value(spec: TensorSpec, features: TableFeatures, random: np.random.Generator, anchor_ns: int) -> Value:
    if spec.semantic_type is SemanticType.TIMESTAMP:
        return anchor_ns - int(random.exponential(30) * _NS_PER_DAY) - _NS_PER_DAY
    values = next((one.values for one in features.categoricals if one.column == spec.column), ())
    if spec.datatype is Datatype.BYTES:
        return str(random.choice(values)) if values else "unknown"
    number = float(random.normal(0, 10))
    return round(number) if spec.datatype is Datatype.INT64 else number


def profile(repository: Path, *, rate_per_s: float, seconds: float) -> EngineProfile:
    """Serve the repository, send for so long after a tenth of it to warm up, and take the metrics' differences.

    Raises:
        UserError: no repository, or Triton does not become ready.
    """
    artifact, contract = read_artifact(repository, kind="triton_repository"), read_contract(repository)
    bodies = payloads(repository, contract.model_name, contract)
    with tempfile.TemporaryDirectory() as folder, _triton(repository, contract, Path(folder)) as (process, launch):
        url = f"http://127.0.0.1:{launch.ports.http}"
        settings = LoadSettings(
            url=url,
            model_name=contract.model_name,
            token=_NO_TOKEN,
            ca_path=None,
            rate_per_s=rate_per_s,
            connections=16,
        )
        LoadRunner(settings, bodies).run_for(seconds / 10)
        before = _told(launch, {_COUNT: 0.0})
        before_s = _processor_s(process.pid)
        summary = LoadRunner(settings, bodies).run_for(seconds).summary()
        after_s = _processor_s(process.pid)
        after = _told(launch, before)
    gained = {name: after[name] - before.get(name, 0.0) for name in after}
    requests = gained[_COUNT]
    assert summary.latency is not None
    return EngineProfile(
        engine=str(artifact.metrics["engine"]),
        requests=round(requests),
        batches=round(gained["nv_inference_exec_count"]),
        rate_per_s=summary.rate_per_s,
        p50_ms=summary.latency.p50_ms,
        processor_us=1e6 * (after_s - before_s) / requests,
        part_us={part: 1e6 * gained[part] / requests for part in PARTS if part in gained},
        triton_us={name: gained[f"nv_inference_{key}_duration_us"] / requests for name, key in TRITON_PARTS.items()},
    )


@contextmanager
def _triton(
    repository: Path, contract: PayloadContract, folder: Path
) -> Iterator[tuple[subprocess.Popen[bytes], TritonLaunch]]:
    installation = find_triton()
    launch = TritonLaunch(
        repository=Repository(version="v1", digest="", path=repository, contract=contract),
        ports=TritonPorts.free(),
        installation=installation,
        backends=link_backends(installation, folder / "backends"),
        embeddings=folder / "embeddings",
        http_threads=2,
    )
    with (folder / "triton.log").open("wb") as log:
        process = subprocess.Popen(launch.command(), stdout=log, stderr=log, cwd=folder, env=launch.environment())
    try:
        _wait_until_ready(f"http://127.0.0.1:{launch.ports.http}/v2/health/ready", process, folder / "triton.log")
        yield process, launch
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise UserError(f"Triton is not ready:\n{log.read_text()[-2000:]}")


def _told(launch: TritonLaunch, before: Mapping[str, float]) -> dict[str, float]:
    """The metrics once the engine, which tells its own once a second, has told of all requests."""
    deadline = time.monotonic() + _TOLD_S
    while time.monotonic() < deadline:
        found = _metrics(launch)
        if found[_SCORED] - before.get(_SCORED, 0.0) == found[_COUNT] - before[_COUNT]:
            return found
        time.sleep(0.05)
    raise UserError(f"the engine has not told of all its scores within {_TOLD_S} s")


def _metrics(launch: TritonLaunch) -> dict[str, float]:
    """Sums over series; the engine's parts by their own names."""
    found: dict[str, float] = {}
    for line in httpx.get(f"http://127.0.0.1:{launch.ports.metrics}/metrics").text.splitlines():
        if line.startswith("#"):
            continue
        series, _, value = line.rpartition(" ")
        name, _, labels = series.partition("{")
        if name == "stillhouse_part_seconds_total":
            name = labels.partition('part="')[2].partition('"')[0]
        if name == "stillhouse_score_bucket" and 'le="+Inf"' in labels:
            name = _SCORED
        found[name] = found.get(name, 0.0) + float(value)
    return found


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def table(found: EngineProfile) -> str:
    """The profile as lines of Markdown."""
    rows = [
        ("processor time of Triton, all threads", found.processor_us),
        *((f"Triton: {name}", us) for name, us in found.triton_us.items()),
        *((f"engine: {part}", us) for part, us in found.part_us.items()),
    ]
    head = (
        f"{found.engine}: {found.requests:,} requests in {found.batches:,} batches, {found.rate_per_s:,.0f} a second, "
        f"p50 {found.p50_ms:.2f} ms"
    )
    return "\n".join(
        [head, "", "| part | us a request |", "| --- | ---: |", *(f"| {n} | {us:.1f} |" for n, us in rows)]
    )


def main() -> None:
    """Profile one repository and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", type=Path)
    parser.add_argument("--rate", type=float, default=1000.0, help="requests a second, independent arrivals")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = profile(arguments.repository.resolve(), rate_per_s=arguments.rate, seconds=arguments.seconds)
    print(table(found))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(asdict(found), indent=2) + "\n")


if __name__ == "__main__":
    main()
