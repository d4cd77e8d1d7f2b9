"""Verbs from labels to a Triton repository: suggest, train, score, embed, distill, export."""

# Heavy modules are imported by the verb that needs them: `stillhouse --help` and `release` answer at once.
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.console import AsJson, bar, show, show_artifact, stderr
from cli.options import DEFAULT_RUN, RunPath, check_version_name, parse_time
from model.artifact import read_artifact
from model.run_folder import RunFolder

if TYPE_CHECKING:
    from model.plans import DistilledModelPlan, ModelPlan

PlanPath = Annotated[
    Path | None, typer.Option("--plan", metavar="FILE", help="What `suggest` printed, edited; other options change it.")
]


def register(app: typer.Typer) -> None:
    """Add the verbs to the app, in the order of the line."""
    for verb in (suggest, train, score, embed, distill, export):
        app.command()(verb)


def suggest(
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Print the plans that `train` and, once there is a deep model, `distill` follow, with reasons, as one YAML file
    that both read with --plan.

    Example: `stillhouse suggest --run runs/shop`
    """
    from cli.inputs import labelled
    from model.plans import suggest_distilled_model_plan, suggest_model_plan
    from model.plans.plan_file import plans_text
    from model.store.store import open_store

    folder = RunFolder(run)
    bound, training_table, _ = labelled(folder)
    store = open_store(folder.graph)
    plans: dict[str, ModelPlan | DistilledModelPlan] = {"model": suggest_model_plan(store, bound, training_table)}
    if bound.task != "link" and folder.deep.exists():
        plans["distilled_model"] = suggest_distilled_model_plan(store, training_table, folder.deep)
    document = {name: plan.to_json() for name, plan in plans.items()}
    show(document, as_json, lambda: print(plans_text(plans), end=""))


def train(
    plan: PlanPath = None,
    rows: Annotated[int | None, typer.Option(help="Row visits in all; more learn longer. As the plan says.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the weights and the order of rows. As the plan says.")] = None,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Train the deep model on the run's training table, or for a link query a ranking, by the plan of `suggest`.

    A training that was killed goes on where it was.

    Example: `stillhouse train --run runs/shop`
    """
    from cli.inputs import labelled
    from model.checkpoint import Checkpoints
    from model.plans import Trainer, suggest_model_plan
    from model.plans.plan_file import read_plan
    from model.store.store import open_store

    folder = RunFolder(run)
    bound, training_table, digest = labelled(folder)
    store = open_store(folder.graph)
    wanted = suggest_model_plan(store, bound, training_table)
    if plan is not None:
        wanted = read_plan(plan, "model", wanted)
    wanted = wanted.edit(_given({"max_rows": rows, "seed": seed}))
    with bar("training the deep model" if bound.task != "link" else "training the ranking") as progress:
        artifact = Trainer(wanted, run).fit(
            store, training_table, progress, table_digest=digest, checkpoints=Checkpoints(say=stderr.print)
        )  # fmt: skip
    show_artifact(artifact, as_json)


def _given(changes: Mapping[str, object]) -> dict[str, object]:
    """The settings that an option names."""
    return {name: value for name, value in changes.items() if value is not None}


def score(
    cutoff: Annotated[str | None, typer.Option(help="Moment of the answers; the newest row's time by default.")] = None,
    embeddings: Annotated[bool, typer.Option("--embeddings", help="Write their embeddings too.")] = False,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Answer the query for everybody as of a cut-off, by the deep model or the ranking, to `predictions.parquet`.

    The entities are those that pass the query's filter at the cut-off.

    Example: `stillhouse score --cutoff 2024-11-30 --run runs/shop`
    """
    from cli.inputs import labelled
    from model.labels.training_table import prediction_rows
    from model.plans import Trainer, suggest_model_plan
    from model.plans.trainer import OutputType
    from model.store.store import open_store
    from model.tables.database import open_database

    folder = RunFolder(run)
    bound, training_table, _ = labelled(folder)
    store = open_store(folder.graph)
    cutoff_ns = store.last_time_ns if cutoff is None else parse_time(cutoff)
    tables = Path(read_artifact(folder.training_table, kind="training_table").settings["tables"])
    wanted: set[OutputType] = {"predictions", "embeddings"} if embeddings else {"predictions"}
    with open_database(tables) as database:
        keys = prediction_rows(database, bound, cutoff_ns)
    trainer = Trainer(suggest_model_plan(store, bound, training_table), run)
    with bar("scoring") as progress:
        made = trainer.predict(store, cutoff_ns, output_types=wanted, keys=keys, progress=progress)
    show_artifact(made["predictions"], as_json)


def embed(
    cutoff: Annotated[
        str | None, typer.Option(help="Moment of the embeddings; the newest row's time by default.")
    ] = None,
    name: Annotated[str, typer.Option(help="Folder of the batch below the run.")] = "embeddings",
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Embed every entity as of a cut-off; a batch that was killed goes on where it was.

    Example: `stillhouse embed --cutoff 2024-11-30 --run runs/shop`
    """
    from model.deep.embed import embed as embed_entities
    from model.store.store import open_store

    folder = RunFolder(run)
    store = open_store(folder.graph)
    cutoff_ns = store.last_time_ns if cutoff is None else parse_time(cutoff)
    with bar("embedding") as progress:
        artifact = embed_entities(store, folder.deep, cutoff_ns, folder.embeddings(name), progress, say=stderr.print)
    show_artifact(artifact, as_json)


def distill(
    plan: PlanPath = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the rows. As the plan says.")] = None,
    without_embedding: Annotated[bool, typer.Option(help="For comparison: no embedding.")] = False,
    without_teacher: Annotated[bool, typer.Option(help="For comparison: labels only.")] = False,
    name: Annotated[str, typer.Option(help="Folder of the model below the run.")] = "distilled",
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Distil the deep model into a small one; one that was killed goes on where it was.

    Example: `stillhouse distill --run runs/shop`
    """
    from cli.inputs import labelled
    from model.checkpoint import Checkpoints
    from model.plans import DistillationTrainer, suggest_distilled_model_plan
    from model.plans.plan_file import read_plan
    from model.query.bound import trainable
    from model.store.store import open_store

    folder = RunFolder(run)
    bound, training_table, digest = labelled(folder)
    trainable(bound.task)
    store = open_store(folder.graph)
    wanted = suggest_distilled_model_plan(store, training_table, folder.deep)
    if plan is not None:
        wanted = read_plan(plan, "distilled_model", wanted)
    changes = {
        "use_embedding": False if without_embedding else None,
        "use_teacher": False if without_teacher else None,
        "loop.epochs": epochs,
    }
    with bar("distilling") as progress:
        artifact = DistillationTrainer(wanted.edit(_given(changes)), folder.deep, run, name).fit(
            store, training_table, progress, table_digest=digest, checkpoints=Checkpoints(say=stderr.print)
        )  # fmt: skip
    show_artifact(artifact, as_json)


def export(
    version: Annotated[str, typer.Argument(help="Name of the version, e.g. v1.")],
    model_name: Annotated[str, typer.Option(help="Name in the URL; the same for all versions.")] = "online-model",
    distilled: Annotated[str, typer.Option(help="Folder of the distilled model below the run.")] = "distilled",
    embeddings: Annotated[str, typer.Option(help="Folder of the embeddings below the run.")] = "embeddings",
    engine: Annotated[
        Literal["auto", "compiled", "numpy"],
        typer.Option(help="What scores: `auto` is the compiled engine, or numpy where that cannot be had."),
    ] = "auto",
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Write a Triton model repository with the embeddings in it.

    Example: `stillhouse export v1 --model-name churn --run runs/shop`
    """
    from model.export import ExportSettings, export_repository
    from model.store.store import open_store

    check_version_name(version)
    folder = RunFolder(run)
    artifact = export_repository(
        folder.distilled(distilled),
        folder.embeddings(embeddings),
        folder.repository(version),
        graph=open_store(folder.graph).graph,
        model_name=model_name,
        settings=ExportSettings(engine=engine),
    )
    show_artifact(artifact, as_json)
