"""Tables with semantic types, and the links between them: what a `graph.yaml` says, as values.

The same objects come out of inference (`model/tables/database.py`), a `graph.yaml`, or Python.
"""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from model.errors import UserError


class SemanticType(StrEnum):
    """What a column means, whatever its storage type."""

    NUMERICAL = "numerical"
    CATEGORICAL = "categorical"
    TEXT = "text"
    TIMESTAMP = "timestamp"
    ID = "id"
    MULTICATEGORICAL = "multicategorical"
    EMBEDDING = "embedding"
    IGNORED = "ignored"
    """Present in the table, never shown to a model."""


class Column(BaseModel):
    """A named column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    semantic_type: SemanticType
    storage_type: str
    """DuckDB's name of the type, e.g. `BIGINT`, `VARCHAR`, `TIMESTAMP`."""


class Table(BaseModel):
    """A table with its key and its time.

    A row exists from its time on. In a table without `time_column` it exists from the latest time of its parents on
    (a line of an order from the order's), and where none of them has one it has always existed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    columns: tuple[Column, ...]
    primary_key: str | None = None
    time_column: str | None = None

    @model_validator(mode="after")
    def _names_are_sound(self) -> Self:
        names = [column.name for column in self.columns]
        _refuse_repeats(names, f"column of `{self.name}`")
        for role, name in (("primary_key", self.primary_key), ("time_column", self.time_column)):
            if name is not None and name not in names:
                raise ValueError(f"{role} `{name}` of table `{self.name}` is none of its columns")
        return self

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


class Link(BaseModel):
    """A foreign key: `child_table.child_column` holds the primary key of `parent_table`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    child_table: str
    child_column: str
    parent_table: str

    def __str__(self) -> str:
        return f"{self.child_table}.{self.child_column} -> {self.parent_table}"


class Graph(BaseModel):
    """All tables and links of one database; names are unique and links point at primary keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tables: tuple[Table, ...]
    links: tuple[Link, ...] = Field(default=())

    @model_validator(mode="after")
    def _links_are_sound(self) -> Self:
        _refuse_repeats([table.name for table in self.tables], "table")
        columns = {table.name: {column.name for column in table.columns} for table in self.tables}
        for link in self.links:
            if link.child_column not in columns.get(link.child_table, ()):
                raise ValueError(f"link `{link}`: no column `{link.child_table}.{link.child_column}`")
            if link.parent_table not in columns:
                raise ValueError(f"link `{link}`: no table `{link.parent_table}`")
            if self.table(link.parent_table).primary_key is None:
                raise ValueError(f"link `{link}`: table `{link.parent_table}` has no primary_key")
        _refuse_repeats([f"{link.child_table}.{link.child_column}" for link in self.links], "link from")
        return self

    def table(self, name: str) -> Table:
        """The table called `name`; KeyError where there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)

    def feature_columns(self, table_name: str) -> tuple[Column, ...]:
        """The columns that a model may look at: neither key, link, row time nor ignored."""
        table = self.table(table_name)
        linked = {link.child_column for link in self.links if link.child_table == table_name}
        hidden = linked | {table.primary_key, table.time_column}
        unseen = {SemanticType.ID, SemanticType.IGNORED}
        return tuple(c for c in table.columns if c.name not in hidden and c.semantic_type not in unseen)

    def children(self, table_name: str) -> tuple[Link, ...]:
        """Links whose parent is `table_name`."""
        return tuple(link for link in self.links if link.parent_table == table_name)

    def parents(self, table_name: str) -> tuple[Link, ...]:
        """Links whose child is `table_name`."""
        return tuple(link for link in self.links if link.child_table == table_name)


def timed_parents(graph: Graph, table_name: str) -> tuple[Link, ...]:
    """Of a table without a time of its own: links to the tables whose times its rows take."""
    if graph.table(table_name).time_column is not None:
        return ()
    return tuple(link for link in graph.parents(table_name) if graph.table(link.parent_table).time_column is not None)


def write_graph(graph: Graph, path: Path) -> None:
    """Write `graph.yaml`."""
    path.write_text(yaml.safe_dump(graph.model_dump(mode="json"), sort_keys=False))


def read_graph(path: Path) -> Graph:
    """Read `graph.yaml`.

    Raises:
        UserError: the file is missing, is not YAML or does not have this form.
    """
    try:
        return Graph.model_validate(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise UserError(f"cannot read `{path}`: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise UserError(
            f"`{path}` is not YAML: {error}", hint="`stillhouse check --save` writes a sound one"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        if first["type"] == "value_error":
            raise UserError(f"`{path}`: {first['ctx']['error']}") from error
        raise UserError(f"`{path}`: {place}: {first['msg']} (got {first.get('input')!r})") from error


def _refuse_repeats(names: Iterable[str], what: str) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ValueError(f"{what} `{repeated[0]}` is named twice")
