"""Verbs that use an endpoint: predict and load; and demo, which runs everything."""

# Heavy modules are imported by the verb that needs them: `stillhouse --help` and `release` answer at once.
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import AsJson, bar, show, stderr, stdout, table
from cli.endpoint import find_endpoint
from cli.options import DEFAULT_RUN, RunPath, parse_time, parse_times, read_query, show_time
from model.errors import UserError
from model.run_folder import RunFolder

if TYPE_CHECKING:
    from model.contract import PayloadContract
    from serving.client import Prediction
    from serving.load_quote import Quote


def register(app: typer.Typer) -> None:
    """Add the verbs to the app."""
    for verb in (predict, load, demo):
        app.command()(verb)


def predict(
    key: Annotated[str, typer.Argument(help="Key of the entity, e.g. 100003.")],
    at: Annotated[str | None, typer.Option(help="Moment of the prediction; the newest row's time by default.")] = None,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Ask the running twin for one prediction, with the facts and interactions that the run's tables hold.

    Example: `stillhouse predict 100003 --run runs/shop`
    """
    import numpy as np

    from model.store.history import requests_from_store
    from model.store.store import open_store
    from serving.client import PredictionClient

    folder = RunFolder(run)
    endpoint = find_endpoint(folder)
    store = open_store(folder.graph)
    anchor_ns = store.last_time_ns if at is None else parse_time(at)
    is_text = store.keys(endpoint.contract.entity_table).dtype.kind == "S"
    if not is_text and not key.lstrip("-").isdigit():
        raise UserError(f"keys of `{endpoint.contract.entity_table}` are whole numbers (got `{key}`)")
    keys = np.array([key if is_text else int(key)])
    (values,) = requests_from_store(store, endpoint.contract, keys, np.array([anchor_ns]))
    with PredictionClient(endpoint.url, endpoint.token, endpoint.ca_path, endpoint.contract) as client:
        answer = client.predict(values)
    embedded = None if answer.embedding_time_ns is None else show_time(answer.embedding_time_ns)

    def words() -> None:
        if answer.is_fallback:
            stdout.print(f"{answer.score:.4f}  the stated default: no version could answer")
            return
        seen = embedded or "nobody: the entity is new"
        stdout.print(f"{_number_words(answer, endpoint.contract)}  from {answer.version}; embedding of {seen}")

    document = {
        "score": answer.score,
        "scores": _by_name(answer, endpoint.contract),
        "version": answer.version,
        "is_fallback": answer.is_fallback,
        "embedding_time": embedded,
        "at": show_time(anchor_ns),
    }
    show(document, as_json, words)


def _by_name(answer: "Prediction", contract: "PayloadContract") -> dict[str, float]:
    """Several numbers by class, or by timeframe from 1; none where the answer is one number."""
    names = contract.classes or range(1, contract.num_timeframes + 1)
    return {str(name): score for name, score in zip(names, answer.scores, strict=False)}


def _number_words(answer: "Prediction", contract: "PayloadContract") -> str:
    several = _by_name(answer, contract)
    return ", ".join(f"{name} {score:.4f}" for name, score in several.items()) or f"{answer.score:.4f}"


def load(
    rate: Annotated[float, typer.Option(help="Requests per second.")] = 50.0,
    seconds: Annotated[float, typer.Option(help="How long.")] = 20.0,
    arrivals: Annotated[str, typer.Option(help="poisson or constant.")] = "poisson",
    out: Annotated[Path | None, typer.Option(help="Folder for the histogram, a plot and the summary.")] = None,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Send open-loop load to the running twin; latency counts from the planned time of each request.

    A percentile is quoted where its 95 % interval lies within what was measured, and where the generator kept its own
    schedule: p99 from 368 requests on, p99.9 from 3688.

    Example: `stillhouse load --rate 200 --seconds 30 --out runs/load --run runs/shop`
    """
    import numpy as np

    from model.payload import v2_body
    from model.store.history import requests_from_store
    from model.store.store import open_store
    from serving.client import entity_value
    from serving.load import LoadRunner, LoadSettings
    from serving.load_files import write_files

    if arrivals not in ("poisson", "constant"):
        raise UserError(f"`arrivals` must be poisson or constant (got `{arrivals}`)")
    folder = RunFolder(run)
    endpoint = find_endpoint(folder)
    store = open_store(folder.graph)
    keys = np.random.default_rng(0).choice(store.keys(endpoint.contract.entity_table), 200)
    values = requests_from_store(store, endpoint.contract, keys, np.full(len(keys), store.last_time_ns))
    settings = LoadSettings(
        url=endpoint.url,
        model_name=endpoint.contract.model_name,
        token=endpoint.token,
        ca_path=endpoint.ca_path,
        rate_per_s=rate,
        arrivals="poisson" if arrivals == "poisson" else "constant",
    )
    bodies = [json.dumps(v2_body(endpoint.contract, each)).encode() for each in values]
    entities = [entity_value(each.facts[endpoint.contract.embedding_key]) for each in values]
    runner = LoadRunner(settings, bodies, entities=entities)
    with bar(f"{rate:g} requests a second") as progress:
        runner.start()
        begin = time.monotonic()
        while (elapsed := time.monotonic() - begin) < seconds:
            progress(runner.progress()[0], round(rate * seconds))
            time.sleep(min(0.2, seconds - elapsed))
        result = runner.stop()
    summary = result.summary()
    files = write_files(result, out, title=f"{arrivals}, {rate:g} requests a second") if out else ()

    def words() -> None:
        rows: list[tuple[str, object]] = [("requests", summary.requests), ("failures", summary.failures)]
        rows.append(("achieved rate [1/s]", round(summary.rate_per_s, 1)))
        rows += [(f"{name} [ms]", _quoted(quote)) for name, quote in summary.quotes.items()]
        if summary.latency is not None:
            rows.append(("max [ms]", round(summary.latency.max_ms, 2)))
        rows += [(f"by {version or 'no version'}", count) for version, count in summary.requests_by_version.items()]
        table("", ("what", "value"), rows)
        if summary.failures:
            stderr.print(f"failures count as {settings.timeout_s:g} s, the time after which a request is given up")
        if summary.warning:
            stderr.print(f"[yellow]warning:[/] {summary.warning}")
        for path in files:
            stdout.print(str(path))

    show(asdict(summary), as_json, words)


def _quoted(quote: "Quote") -> str:
    if quote.refusal is not None:
        return f"not quoted: {quote.refusal}"
    return f"{quote.value_ms:.2f}  ({quote.low_ms:.2f} to {quote.high_ms:.2f})"


def demo(
    tables: Annotated[
        Path | None, typer.Option("--tables", help="Your own tables instead of the generated shop.")
    ] = None,
    query: Annotated[str | None, typer.Option(help="A query over them, or a .pql file.")] = None,
    preset: Annotated[str, typer.Option(help="Of the generated shop: tiny or demo.")] = "demo",
    validation: Annotated[str | None, typer.Option(help="Validation cut-offs, e.g. 2024-10-31.")] = None,
    test: Annotated[str | None, typer.Option(help="Test cut-offs, separated by commas.")] = None,
    first: Annotated[str | None, typer.Option(help="First training cut-off.")] = None,
    step_days: Annotated[float | None, typer.Option(help="Days between training cut-offs.")] = None,
    run: Annotated[Path, typer.Option("--run", help="Where everything is written.")] = Path("runs/demo"),
    as_json: AsJson = False,
) -> None:
    """Run the whole line on one machine: tables to a canaried endpoint, with a report to look at.

    Example: `stillhouse demo --tables data/shop --query churn.pql --run runs/shop`
    """
    from demo.run import run_demo
    from demo.settings import SHOP_QUERY, Cutoffs, DemoSettings
    from demo.stage import Stage

    if tables is not None and query is None:
        raise UserError("your own tables need a query", hint="add --query FILE.pql")
    settings = DemoSettings(
        folder=run,
        preset=preset,
        tables=tables,
        query=SHOP_QUERY if query is None else read_query(query),
        cutoffs=Cutoffs(
            validation_ns=parse_times(validation),
            test_ns=parse_times(test),
            first_ns=None if first is None else parse_time(first),
            step_days=step_days,
        ),
    )
    report = run_demo(settings, Stage(say=stderr.print, bar=bar))

    def words() -> None:
        requests, latency = report.requests, report.latency_ms
        table(
            "AUROC on the test rows",
            ("model", "value"),
            [(n, f"{v:.4f}") for n, v in report.auroc.model_dump().items()],
        )
        table("release", ("what", "value"), [
            ("requests sent", requests.sent),
            ("lost", requests.failed),
            ("answered wrongly by the bad version", requests.failed_by_bad_version),
            ("p50 / p99 [ms]", f"{latency.p50:.1f} / {latency.p99:.1f}"),
            ("seconds to roll back", f"{report.rollout.rollback_seconds:.2f}"),
            ("seconds to refresh embeddings", f"{report.refresh.seconds:.2f}"),
            ("parameters deep / distilled", f"{report.parameters.deep:,} / {report.parameters.distilled:,}"),
            ("seconds in all", round(sum(report.seconds.values()))),
        ])  # fmt: skip
        stdout.print(f"{run / 'report.html'}  {run / 'report.json'}")

    show(report, as_json, words)
