"""The model's half of the demo: tables to three exported versions, their quality, and two batches of embeddings."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt

from demo.damage import damage
from demo.settings import DemoSettings
from demo.stage import Stage
from model.artifact import Artifact, read_artifact
from model.deep.embed import embed
from model.deep.scores import load_deep
from model.deep.train import TrainSettings, train_deep
from model.distilled.distill import DistillSettings, distill
from model.distilled.lesson import choose_rows, teach
from model.errors import UserError
from model.evaluate import Evaluation, Models, evaluate, read_evaluation
from model.export import export_repository
from model.labels.plan import suggest_plan
from model.labels.training_table import TrainingTable, build_training_table, write_training_table
from model.query import BoundQuery, bind_query, parse_query
from model.run_folder import RunFolder
from model.shop.simulate import PRESETS, generate_shop
from model.store.row_features import FeatureSettings
from model.store.store import GraphStore, build_store, open_store
from model.tables.check import check_database
from model.tables.database import Database, open_database

NS_PER_HOUR = 3600 * 10**9
FIRST_BATCH_HOURS, SECOND_BATCH_HOURS = 72, 12
"""How old the two batches of embeddings are at the moment of the demo's requests."""
FIRST_EPOCHS = 1
"""Passes of version 1, a first cut that learns from labels alone."""
FOREIGN_ROWS = 1_024
"""Row visits of the other deep model, whose embeddings must be refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """Tables with a query: what the models learn from."""

    bound: BoundQuery
    table: TrainingTable
    store: GraphStore
    digest: str
    """Of the training table."""
    num_rows: Mapping[str, int]
    """Rows by table."""

    @property
    def anchor_ns(self) -> int:
        """The moment at which the demo asks for predictions: the last test cut-off."""
        return int(self.table.cutoff_ns.max())

    @property
    def hidden(self) -> tuple[str, ...]:
        """`table.column` names that give the label away."""
        return tuple(f"{table}.{column}" for table, column in self.bound.hidden_columns)

    @property
    def entities(self) -> npt.NDArray[np.int64] | npt.NDArray[np.object_]:
        """Keys of the entities that the demo asks about: those of the last test cut-off."""
        asked = self.table.cutoff_ns == self.anchor_ns
        keys: npt.NDArray[np.int64] | npt.NDArray[np.object_] = self.table.entity[asked]
        return keys


def label(folder: RunFolder, settings: DemoSettings, stage: Stage) -> Labelled:
    """Steps 1 and 2: tables (generated or one's own), graph, query, training table."""
    tables = settings.tables
    if tables is None:
        with stage.step("generate", "Simulate a fashion shop") as progress:
            generate_shop(PRESETS[settings.preset], folder.tables, progress)
        tables = folder.tables
    with open_database(tables) as database:
        with stage.step("check", "Infer the graph and check the tables") as progress:
            num_rows = _check(database, folder, stage)
            build_store(database, folder.graph, progress)
        with stage.step("query", "Label the query's rows") as progress:
            bound = bind_query(parse_query(settings.query), database.graph)
            if bound.task != "binary":
                raise UserError(
                    f"the demo reports AUROC and needs a yes-or-no query (got a {bound.task} query)",
                    hint="compare the target, e.g. `PREDICT COUNT(...) = 0 FOR EACH ...`",
                )
            cutoffs = settings.cutoffs
            plan = suggest_plan(
                database,
                bound,
                validation=cutoffs.validation_ns,
                test=cutoffs.test_ns,
                first=cutoffs.first_ns,
                step_days=cutoffs.step_days,
                max_training_rows=settings.training_rows,
            )
            table = build_training_table(database, bound, plan, progress)
            saved = {"query": bound.text, "tables": str(tables.absolute()), **asdict(plan)}
            graph_digest = read_artifact(folder.graph, kind="graph").digest
            artifact = write_training_table(
                table, folder.training_table, parents={"graph": graph_digest}, settings=saved
            )
    for reason in (*bound.notes, *plan.reasons):
        stage.say(f"  {reason}")
    counts = ", ".join(f"{len(table.rows(split)):,} {split}" for split in ("train", "validation", "test"))
    stage.say(f"  {counts} rows of {bound.entity_table}")
    return Labelled(bound=bound, table=table, store=open_store(folder.graph), digest=artifact.digest, num_rows=num_rows)


def learn(folder: RunFolder, settings: DemoSettings, labelled: Labelled, stage: Stage) -> dict[str, Artifact]:
    """Steps 3 and 4: the deep model, embeddings, and the distilled models by name."""
    store, table, task = labelled.store, labelled.table, labelled.bound.task
    assert task == "binary"
    hidden = FeatureSettings(hidden=labelled.hidden)
    deep_settings = TrainSettings(max_rows=settings.deep_rows, seed=settings.seed, features=hidden)
    with stage.step("train", "Train the deep model") as progress:
        deep = train_deep(
            store, table, task, folder.deep, deep_settings, progress, table_digest=labelled.digest
        )  # fmt: skip
    stage.say(f"  {deep.metrics['num_parameters']:,} parameters, {deep.metrics['rows_seen']:,} row visits")
    with stage.step("embed", "Embed every entity, twice") as progress:
        for name, hours in (("embeddings", FIRST_BATCH_HOURS), ("embeddings_second", SECOND_BATCH_HOURS)):
            cutoff_ns = labelled.anchor_ns - hours * NS_PER_HOUR
            embed(store, folder.deep, cutoff_ns, folder.embeddings(name), progress)
    with stage.step("distill", "Distil it into a small model") as progress:
        base = DistillSettings(seed=settings.seed, max_train_rows=settings.distilled_rows)
        chosen = choose_rows(
            table, max_train_rows=base.max_train_rows, max_validation_rows=base.max_validation_rows, seed=base.seed
        )
        lesson = teach(store, table, load_deep(folder.deep), chosen, base.requests, base.seed, progress)
        wanted = {
            "distilled_first": replace(base, use_teacher=False, loop=replace(base.loop, epochs=FIRST_EPOCHS)),
            "distilled": base,
            "distilled_without_embedding": replace(base, use_embedding=False),
        }
        made = {
            name: distill(
                store, table, folder.deep, folder.distilled(name), student, progress,
                table_digest=labelled.digest, lesson=lesson,
            )
            for name, student in wanted.items()
        }  # fmt: skip
    stage.say(f"  {made['distilled'].metrics['num_parameters']:,} parameters")
    return made


def judge(folder: RunFolder, settings: DemoSettings, labelled: Labelled, stage: Stage) -> Evaluation:
    """All five models on the test rows."""
    models = Models(
        deep=folder.deep,
        distilled=folder.distilled(),
        distilled_without_embedding=folder.distilled("distilled_without_embedding"),
    )
    tables = settings.tables or folder.tables
    with stage.step("evaluate", "Score the test rows with five models") as progress, open_database(tables) as database:
        evaluate(
            database, labelled.store, labelled.bound, labelled.table, models, folder.evaluation,
            seed=settings.seed, progress=progress,
        )  # fmt: skip
    found = read_evaluation(folder.evaluation)
    for model, quality in found.quality.items():
        stage.say(f"  {model:<28} {found.metric} {quality}")
    return found


def export_versions(
    folder: RunFolder, settings: DemoSettings, labelled: Labelled, model_name: str, stage: Stage
) -> dict[str, Artifact]:
    """Step 5: v1 (a first cut), v2 (the distilled model), v3 (v2 with broken weights); and foreign embeddings."""
    store, graph = labelled.store, labelled.store.graph
    with stage.step("export", "Export three versions for Triton"):
        damage(store, folder.distilled(), folder.distilled("distilled_damaged"), labelled.entities, labelled.anchor_ns)
        sources = {"v1": "distilled_first", "v2": "distilled", "v3": "distilled_damaged"}
        repositories = {
            version: export_repository(
                folder.distilled(source),
                folder.embeddings(),
                folder.repository(version),
                graph=graph,
                model_name=model_name,
            )
            for version, source in sources.items()
        }
        other = TrainSettings(
            max_rows=FOREIGN_ROWS,
            seed=settings.seed + 1,
            features=FeatureSettings(hidden=labelled.hidden),
        )
        assert labelled.bound.task == "binary"
        train_deep(store, labelled.table, labelled.bound.task, folder.root / "deep_foreign", other)
        embed(
            store, folder.root / "deep_foreign", labelled.anchor_ns, folder.embeddings("embeddings_foreign"),
            keys=labelled.entities[:200],
        )  # fmt: skip
    for version, artifact in repositories.items():
        stage.say(f"  {version} {artifact.digest[:19]}")
    return repositories


def _check(database: Database, folder: RunFolder, stage: Stage) -> dict[str, int]:
    """Rows by table; findings are said, and an error ends the demo."""
    findings = check_database(database)
    for finding in findings:
        stage.say(f"  {finding.level}: {finding.place}: {finding.message}")
        if finding.level == "error":
            raise UserError(f"{finding.place}: {finding.message}", hint=finding.hint)
    for table in database.graph.tables:
        stage.say(f"  {table.name}: key {table.primary_key}, time {table.time_column}, {len(table.columns)} columns")
    for link in database.graph.links:
        stage.say(f"  {link}")
    return {table.name: database.num_rows(table.name) for table in database.graph.tables}
