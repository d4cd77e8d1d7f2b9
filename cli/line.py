"""Verbs from labels to a Triton repository: train, embed, distill, export."""

# Heavy modules are imported by the verb that needs them: `stillhouse --help` and `release` answer at once.
from dataclasses import replace
from typing import Annotated, Literal

import typer

from cli.console import AsJson, bar, show_artifact, stderr
from cli.options import DEFAULT_RUN, RunPath, check_version_name, parse_time
from model.run_folder import RunFolder


def register(app: typer.Typer) -> None:
    """Add the verbs to the app, in the order of the line."""
    for verb in (train, embed, distill, export):
        app.command()(verb)


def train(
    rows: Annotated[int, typer.Option(help="Row visits in all; more learn longer.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Of the weights and the order of rows.")] = 0,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Train the deep model on the run's training table; one that was killed goes on where it was.

    Example: `stillhouse train --run runs/shop`
    """
    from cli.inputs import labelled
    from model.checkpoint import Checkpoints
    from model.deep.train import TrainSettings, train_deep
    from model.query.bound import trainable
    from model.store.row_features import FeatureSettings
    from model.store.store import open_store

    folder = RunFolder(run)
    bound, training_table, digest = labelled(folder)
    task = trainable(bound.task)
    hidden = tuple(f"{table_name}.{column}" for table_name, column in bound.hidden_columns)
    settings = TrainSettings(max_rows=rows, seed=seed, features=FeatureSettings(hidden=hidden))
    with bar("training the deep model") as progress:
        artifact = train_deep(
            open_store(folder.graph), training_table, task, folder.deep, settings, progress,
            table_digest=digest, checkpoints=Checkpoints(say=stderr.print),
        )  # fmt: skip
    show_artifact(artifact, as_json)


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
    epochs: Annotated[int | None, typer.Option(help="Passes over the rows.")] = None,
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
    from model.distilled.distill import DistillSettings
    from model.distilled.distill import distill as distil_model
    from model.store.store import open_store

    folder = RunFolder(run)
    _, training_table, digest = labelled(folder)
    settings = DistillSettings(use_embedding=not without_embedding, use_teacher=not without_teacher)
    if epochs is not None:
        settings = replace(settings, loop=replace(settings.loop, epochs=epochs))
    with bar("distilling") as progress:
        artifact = distil_model(
            open_store(folder.graph), training_table, folder.deep, folder.distilled(name), settings, progress,
            table_digest=digest, checkpoints=Checkpoints(say=stderr.print),
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
