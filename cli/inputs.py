"""What several verbs read: the run's query with its labelled rows, and tables that must be the stored ones."""

from model.artifact import read_artifact
from model.errors import UserError
from model.labels.training_table import TrainingTable, read_training_table
from model.query import BoundQuery, bind_query, parse_query
from model.run_folder import RunFolder
from model.store.store import GraphStore, open_store
from model.tables.database import Database


def labelled(folder: RunFolder) -> tuple[BoundQuery, TrainingTable, str]:
    """The bound query, its training table, and that one's digest.

    Raises:
        UserError: a step is missing, the labels are of other tables than the stored graph.
    """
    artifact = read_artifact(folder.training_table, kind="training_table")
    store = open_store(folder.graph)
    if artifact.parents.get("graph") != store.artifact.digest:
        raise UserError(
            f"`{folder.training_table}` was made from other tables than `{folder.graph}` holds",
            hint="run `query` again",
        )
    bound = bind_query(parse_query(artifact.settings["query"]), store.graph)
    return bound, read_training_table(folder.training_table), artifact.digest


def refuse_other_tables(database: Database, store: GraphStore) -> None:
    """The query must be asked of the tables that `check` stored.

    Raises:
        UserError: a table is missing or has another number of rows.
    """
    names = {table.name for table in database.graph.tables}
    for name in (table.name for table in store.graph.tables):
        if name not in names or database.num_rows(name) != store.num_rows(name):
            raise UserError(
                f"`{database.folder}` is not what `check` stored at `{store.artifact.path}`: `{name}` differs",
                hint="run `check` on these tables first",
            )
