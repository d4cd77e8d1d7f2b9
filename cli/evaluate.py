"""`evaluate`: what a run trained, or a protocol from its tables to its figures; `reproduce`: all shipped protocols."""

# Heavy modules are imported by the verb that needs them: `stillhouse --help` and `release` answer at once.
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import AsJson, bar, show, stderr, stdout, table
from cli.options import DEFAULT_RUN, RunPath
from model.artifact import read_artifact
from model.errors import UserError
from model.run_folder import RunFolder

if TYPE_CHECKING:
    from model.labels.training_table import TrainingTable
    from model.protocol.outcome import Result


def register(app: typer.Typer) -> None:
    """Add the verbs to the app."""
    for verb in (evaluate, reproduce):
        app.command()(verb)


def evaluate(
    protocol: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A protocol to run, such as protocols/shop-churn.yaml.")
    ] = None,
    tables: Annotated[
        Path | None, typer.Option(help="Folder of the protocol's tables, or the one that holds it.")
    ] = None,
    models: Annotated[str | None, typer.Option(help="Of the protocol, separated by commas; all by default.")] = None,
    seeds: Annotated[int | None, typer.Option(help="In place of the protocol's.")] = None,
    row_visits: Annotated[int | None, typer.Option(help="In place of the protocol's.")] = None,
    without: Annotated[
        str | None, typer.Option(help="Signals of the simulated shop to switch off, separated by commas.")
    ] = None,
    without_embedding: Annotated[
        str | None, typer.Option(help="Without a protocol: folder of a model distilled without embedding.")
    ] = None,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Score the test rows with every model and both LightGBM baselines, with intervals; a ranking beside popular and
    repeated items.

    Without --protocol: the models that the run has trained. With it: tables, labels, models and seeds as the file
    says; one that was killed goes on after the last seed.

    Example: `stillhouse evaluate --protocol protocols/shop-churn.yaml --seeds 2 --run runs/shop`
    """
    if protocol is None:
        if any(option is not None for option in (tables, models, seeds, row_visits, without)):
            raise UserError(
                "`--tables`, `--models`, `--seeds`, `--row-visits` and `--without` go with `--protocol`",
                hint="name a protocol, or leave them out to score what the run has trained",
            )
        _evaluate_run(run, without_embedding, as_json)
        return
    from model.protocol.outcome import markdown
    from model.protocol.page import PAGE_FILE
    from model.protocol.protocol import read_protocol
    from model.protocol.run import run_protocol

    wanted = read_protocol(protocol).changed(
        models=_words(models), seeds=seeds, row_visits=row_visits, without=_words(without) or ()
    )
    with bar(wanted.name) as progress:
        result = run_protocol(wanted, tables, RunFolder(run).protocol(wanted.name), progress, stderr.print)

    def words() -> None:
        stdout.print(markdown(result), soft_wrap=True)
        _differences(result)
        stdout.print(f"drawn in {RunFolder(run).protocol(wanted.name) / PAGE_FILE}", soft_wrap=True)

    show(result, as_json, words)


def reproduce(
    data: Annotated[Path | None, typer.Option(help="Folder that holds the folders of tables.")] = None,
    protocols: Annotated[Path, typer.Option(help="Folder of protocols.")] = Path("protocols"),
    seeds: Annotated[int | None, typer.Option(help="In place of every protocol's.")] = None,
    row_visits: Annotated[int | None, typer.Option(help="In place of every protocol's.")] = None,
    models: Annotated[str | None, typer.Option(help="Of every protocol, separated by commas; all by default.")] = None,
    signal_seeds: Annotated[
        int, typer.Option(help="Of the tables with a signal of the shop switched off; 0 leaves them out.")
    ] = 1,
    run: RunPath = Path("runs/model"),
    as_json: AsJson = False,
) -> None:
    """Run all shipped protocols and write report.json and report.html; one that was killed goes on after the last seed.

    Example: `stillhouse reproduce --data DIR --seeds 1 --run runs/model`
    """
    from model.protocol.page import PAGE_FILE
    from model.protocol.reproduce import REPORT_FILE, TABLES_FILE, Reproduction, read_protocols
    from model.protocol.reproduce import reproduce as reproduce_all

    settings = Reproduction(seeds=seeds, row_visits=row_visits, models=_words(models), signal_seeds=signal_seeds)
    with bar("protocols") as progress:
        report = reproduce_all(read_protocols(protocols), data, RunFolder(run), settings, progress, stderr.print)

    def words() -> None:
        stdout.print((run / TABLES_FILE).read_text(), soft_wrap=True)
        stdout.print(f"written to {run / REPORT_FILE} and {run / PAGE_FILE}")

    show(report, as_json, words)


def _differences(result: "Result") -> None:
    lines = [
        (f"{d.first} - {d.second}", regime, f"{d.mean:+.4f}", f"{d.low:+.4f}", f"{d.high:+.4f}")
        for regime, found in result.regimes.items()
        for d in found.differences
    ]
    if lines:
        table("paired differences", (result.metric, "regime", "mean", "low", "high"), lines)


def _words(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(word.strip() for word in text.split(","))


def _evaluate_run(run: Path, without_embedding: str | None, as_json: bool) -> None:
    from cli.inputs import labelled
    from model.evaluate import Models, read_evaluation
    from model.evaluate import evaluate as evaluate_models
    from model.store.store import open_store
    from model.tables.database import open_database

    folder = RunFolder(run)
    bound, training_table, _ = labelled(folder)
    if bound.task == "link":
        _evaluate_ranking(folder, training_table, as_json)
        return
    ablation = None if without_embedding is None else folder.distilled(without_embedding)
    models = Models(deep=folder.deep, distilled=folder.distilled(), distilled_without_embedding=ablation)
    tables = Path(read_artifact(folder.training_table, kind="training_table").settings["tables"])
    with open_database(tables) as database, bar("scoring the test rows") as progress:
        store = open_store(folder.graph)
        artifact = evaluate_models(database, store, bound, training_table, models, folder.evaluation, progress=progress)
    found = read_evaluation(folder.evaluation)

    def words() -> None:
        table(
            f"{found.metric} on {len(found.label):,} test rows",
            ("model", "value", "low", "high"),
            [(model, f"{q.value:.4f}", f"{q.low:.4f}", f"{q.high:.4f}") for model, q in found.quality.items()],
        )
        stdout.print(f"rank correlation of the distilled model with the deep one: {found.fidelity:.3f}")

    show(dict(artifact.metrics), as_json, words)


def _evaluate_ranking(folder: RunFolder, training_table: "TrainingTable", as_json: bool) -> None:
    from model.ranking.evaluate import evaluate_ranking
    from model.store.store import open_store

    with bar("ranking for the test rows") as progress:
        artifact = evaluate_ranking(
            open_store(folder.graph), training_table, folder.ranking, folder.evaluation, progress=progress
        )
    found = dict(artifact.metrics)

    def words() -> None:
        quality, recall = found["quality"], found["recall"]
        lines = [
            (model, *(f"{one[name]:.4f}" for name in ("value", "low", "high")), f"{recall[model]['value']:.4f}")
            for model, one in quality.items()
        ]
        table(f"{found['metric']} on the test rows", ("model", "value", "low", "high", "recall"), lines)
        for name, one in found["difference"].items():
            stdout.print(f"ranking - {name}: {one['value']:.4f} [{one['low']:.4f}, {one['high']:.4f}]")

    show(found, as_json, words)
