"""Parquet files, CSV files or a DuckDB file become tables in schema `raw` of a DuckDB connection in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from model.errors import UserError
from model.tables.sql_text import literal, quote

_READERS = {".parquet": "read_parquet", ".csv": "read_csv", ".tsv": "read_csv"}
_DATABASE_SUFFIXES = (".duckdb", ".db", ".ddb")
_CAST = {"DATE": "TIMESTAMP", "TIMESTAMP_S": "TIMESTAMP", "TIMESTAMP_MS": "TIMESTAMP", "TIMESTAMP_NS": "TIMESTAMP"}
_CAST |= {"TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "UUID": "VARCHAR", "HUGEINT": "DOUBLE", "UHUGEINT": "DOUBLE"}


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """An empty database in memory with schema `raw` for the sources, clock in UTC."""
    if not folder.exists():
        raise UserError(f"no such folder `{folder}`", hint="name a folder of parquet or CSV files, or a .duckdb file")
    connection = duckdb.connect()
    connection.execute("SET GLOBAL TimeZone = 'UTC'; SET enable_progress_bar = false; CREATE SCHEMA raw")
    return connection


def add_sources(connection: duckdb.DuckDBPyConnection, folder: Path) -> list[str]:
    """Put every source table into schema `raw` and return their names."""
    database_file = _database_file(folder)
    if database_file is not None:
        return _attach(connection, database_file)
    names: list[str] = []
    for path in sorted(folder.iterdir()):
        parts = _parts(path)
        if not parts or path.name.startswith((".", "_")):
            continue
        name = path.name if path.is_dir() else path.stem
        if name.lower() in {other.lower() for other in names}:
            raise UserError(f"two sources for the table `{name}` in `{folder}`", hint="keep one file a table")
        _add_files(connection, name, parts)
        names.append(name)
    if not names:
        raise UserError(f"no tables in `{folder}`", hint="put one .parquet or .csv file a table there")
    return names


def first_files(folder: Path) -> dict[str, Path]:
    """Table -> the first of its files; none where the tables lie in a database file."""
    if _database_file(folder) is not None:
        return {}
    found = ((path, _parts(path)) for path in sorted(folder.iterdir()) if not path.name.startswith((".", "_")))
    return {path.name if path.is_dir() else path.stem: parts[0] for path, parts in found if parts}


def _database_file(folder: Path) -> Path | None:
    if folder.is_file():
        return folder
    files = [path for path in folder.iterdir() if path.suffix in _DATABASE_SUFFIXES]
    if len(files) > 1:
        raise UserError(f"several DuckDB files in `{folder}` (got {len(files)})", hint="name one of them")
    return files[0] if files else None


def _attach(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    try:
        connection.execute(f"ATTACH {literal(str(path))} AS attached (READ_ONLY)")
    except duckdb.Error as error:
        raise unreadable(path, error) from error
    query = (
        "SELECT table_name FROM information_schema.tables WHERE table_catalog = 'attached' AND table_schema = 'main'"
    )
    names = sorted(str(row[0]) for row in connection.execute(query).fetchall())
    if not names:
        raise UserError(f"no tables in `{path}`")
    for name in names:
        connection.execute(f"CREATE VIEW raw.{quote(name)} AS FROM attached.main.{quote(name)}")
    return names


def _parts(path: Path) -> list[Path]:
    """The files of one table: the file itself, or what a folder holds; all of one format."""
    if path.is_file():
        return [path] if path.suffix in _READERS else []
    parts = sorted(p for p in path.rglob("*") if p.suffix in _READERS and not p.name.startswith((".", "_")))
    if len({part.suffix for part in parts}) > 1:
        raise UserError(f"`{path}` mixes formats", hint="keep the parts of a table in one format")
    return parts


def _add_files(connection: duckdb.DuckDBPyConnection, name: str, parts: list[Path]) -> None:
    """Parquet stays on the disk (a view); CSV is read once into memory."""
    reader = _READERS[parts[0].suffix]
    paths = ", ".join(literal(_glob_escape(str(part))) for part in parts)
    source = f"FROM {reader}([{paths}], union_by_name = {str(len(parts) > 1).lower()})"
    kind = "VIEW" if reader == "read_parquet" else "TABLE"
    try:
        connection.execute(f"CREATE {kind} raw.{quote(name)} AS {source}")
    except duckdb.Error as error:
        raise unreadable(parts[0] if len(parts) == 1 else parts[0].parent, error) from error


def source_columns(connection: duckdb.DuckDBPyConnection, names: list[str]) -> dict[str, dict[str, str]]:
    """Table -> column -> type, awkward types replaced by the one that the views will show."""
    return {
        name: {
            str(row[0]): _normal_type(str(row[1]))
            for row in connection.execute(f"DESCRIBE raw.{quote(name)}").fetchall()
        }
        for name in names
    }


def _normal_type(storage_type: str) -> str:
    if storage_type.startswith(("DECIMAL", "ENUM")) and "[" not in storage_type:
        return "DOUBLE" if storage_type.startswith("DECIMAL") else "VARCHAR"
    return _CAST.get(storage_type, storage_type)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Blame the files for what goes wrong while they are read; a statement that does not fit them is our own fault."""
    try:
        yield
    except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException, duckdb.OutOfRangeException):
        raise
    except duckdb.Error as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: duckdb.Error) -> UserError:
    """What to tell the user of a file that DuckDB cannot read."""
    reason = str(error).splitlines()[0]
    return UserError(f"cannot read `{path}`: {reason}", hint="is the file complete? write it again")


def _glob_escape(path: str) -> str:
    """DuckDB takes paths as patterns; a bracketed character stands for itself."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in path)
