"""Verbs from files to labels: generate, check, query."""

# Heavy modules are imported by the verb that needs them: `stillhouse --help` and `release` answer at once.
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import AsJson, bar, show, show_artifact, stdout, table
from cli.options import DEFAULT_RUN, RunPath, parse_time, parse_times, read_query, show_time
from model.errors import UserError
from model.run_folder import RunFolder

if TYPE_CHECKING:
    from model.labels.training_table import TrainingPlan, TrainingTable
    from model.query import BoundQuery

_CLASSES_SHOWN = 20
Tables = Annotated[Path | None, typer.Option("--tables", help="Folder of parquet or csv files, or a .duckdb file.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the app, in the order of the line."""
    for verb in (generate, check, query):
        app.command()(verb)


def generate(
    preset: Annotated[str, typer.Option(help="tiny, demo or hm.")] = "demo",
    seed: Annotated[int | None, typer.Option(help="Another seed gives another shop.")] = None,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Simulate a fashion shop: customers, articles, transactions.

    Example: `stillhouse generate --preset tiny --run runs/shop`
    """
    from model.shop.simulate import PRESETS, generate_shop

    if preset not in PRESETS:
        raise UserError(f"no such preset (got `{preset}`)", hint=f"one of {', '.join(PRESETS)}")
    settings = PRESETS[preset] if seed is None else replace(PRESETS[preset], seed=seed)
    with bar("simulating days") as progress:
        artifact = generate_shop(settings, RunFolder(run).tables, progress)
    show_artifact(artifact, as_json)


def check(
    tables: Tables = None,
    save: Annotated[
        bool, typer.Option("--save", help="Write graph.yaml beside the tables, to correct it by hand.")
    ] = False,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Infer types, keys and links, show them, look for faults, and store the graph.

    Example: `stillhouse check --tables data/shop --run runs/shop`
    """
    from model.store.store import build_store
    from model.tables.check import check_folder
    from model.tables.database import load_graph, open_database, save_graph

    folder = RunFolder(run)
    source = tables or folder.tables
    graph, findings = load_graph(source), check_folder(source)
    if save:
        save_graph(source, graph)
    errors = [finding for finding in findings if finding.level == "error"]
    rows: dict[str, int] = {}
    digest = None
    if not errors:
        with open_database(source) as database, bar("storing the graph") as progress:
            digest = build_store(database, folder.graph, progress).digest
            rows = {each.name: database.num_rows(each.name) for each in graph.tables}

    def words() -> None:
        for each in graph.tables:
            count = f"{rows[each.name]:,} rows, " if rows else ""
            title = f"{each.name}  ({count}key {each.primary_key}, time {each.time_column})"
            columns = [(column.name, str(column.semantic_type), column.storage_type) for column in each.columns]
            table(title, ("column", "means", "stored as"), columns)
        table(
            "links", ("child", "parent"), [(f"{k.child_table}.{k.child_column}", k.parent_table) for k in graph.links]
        )
        found = [(finding.level, finding.place, finding.message, finding.hint) for finding in findings]
        table("findings", ("level", "place", "what", "hint"), found)

    document = {
        "graph": graph.model_dump(mode="json"),
        "rows": rows,
        "findings": [asdict(finding) for finding in findings],
        "digest": digest,
    }
    show(document, as_json, words)
    if errors:
        raise UserError(
            f"{len(errors)} fault(s) in the tables, first: {errors[0].place}: {errors[0].message}", hint=errors[0].hint
        )


def query(
    text: Annotated[str, typer.Argument(metavar="QUERY", help="A predictive query, or a .pql file that holds one.")],
    tables: Tables = None,
    validation: Annotated[str | None, typer.Option(help="Validation cut-offs, e.g. 2024-10-31.")] = None,
    test: Annotated[str | None, typer.Option(help="Test cut-offs, separated by commas.")] = None,
    first: Annotated[str | None, typer.Option(help="First training cut-off.")] = None,
    step_days: Annotated[float | None, typer.Option(help="Days between training cut-offs.")] = None,
    sql: Annotated[
        str | None, typer.Option(help="Print the statement for duckdb, snowflake or spark, and label nothing.")
    ] = None,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Turn a predictive query into a training table.

    Example: `stillhouse query "PREDICT COUNT(transactions.*, 0, 30, days) = 0 FOR EACH customers.customer_id"`
    """
    from cli.inputs import refuse_other_tables
    from model.labels.plan import suggest_plan
    from model.labels.training_table import SPLITS, build_training_table, write_training_table
    from model.query import bind_query, parse_query
    from model.query.dialects import write_sql
    from model.query.sql import label_sql
    from model.store.store import open_store
    from model.tables.database import open_database

    folder = RunFolder(run)
    store = open_store(folder.graph)
    with open_database(tables or folder.tables) as database:
        refuse_other_tables(database, store)
        bound = bind_query(parse_query(read_query(text)), database.graph)
        plan = suggest_plan(
            database,
            bound,
            validation=parse_times(validation),
            test=parse_times(test),
            first=None if first is None else parse_time(first),
            step_days=step_days,
        )
        if sql is not None:
            statement = write_sql(label_sql(bound, database.graph, plan.cutoffs_ns(bound)), sql)
            show({"sql": statement, "dialect": sql, "task": bound.task}, as_json, lambda: print(statement))
            return
        with bar("labelling") as progress:
            rows = build_training_table(database, bound, plan, progress)
    settings = {"query": bound.text, "tables": str((tables or folder.tables).absolute()), **asdict(plan)}
    parents = {"graph": store.artifact.digest}
    artifact = write_training_table(rows, folder.training_table, parents=parents, settings=settings)
    document = {
        "task": bound.task,
        "rows": {split: len(rows.rows(split)) for split in SPLITS},
        "digest": artifact.digest,
    }
    show(document, as_json, lambda: _rows_in_words(bound, plan, rows))


def _rows_in_words(bound: "BoundQuery", plan: "TrainingPlan", rows: "TrainingTable") -> None:
    """Why these cut-offs, a line a split, and the classes."""
    from model.labels.table import SPLITS

    for reason in (*bound.notes, *plan.reasons):
        stdout.print(f"- {reason}")
    lines = []
    for split, cutoffs in zip(SPLITS, (plan.training_ns, plan.validation_ns, plan.test_ns), strict=True):
        what, number = rows.summary(split)
        lines.append((split, len(rows.rows(split)), f"{number:.3f}", len(cutoffs), *_ends(cutoffs)))
    table(
        f"{bound.task}: {len(rows):,} rows of {bound.entity_table}",
        ("split", "rows", what, "cut-offs", "first", "last"),
        lines,
    )
    if rows.classes is not None:
        names = ", ".join(str(value) for value in rows.classes[:_CLASSES_SHOWN])
        more = ", ..." if len(rows.classes) > _CLASSES_SHOWN else ""
        stdout.print(f"{len(rows.classes):,} classes: {names}{more}")


def _ends(times_ns: tuple[int, ...]) -> tuple[str, str]:
    return (show_time(min(times_ns)), show_time(max(times_ns))) if times_ns else ("-", "-")
