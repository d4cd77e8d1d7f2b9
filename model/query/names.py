"""Looks up the names of a query in a graph, and tells at which place one is wrong and what was meant."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from model.graph import Column, Graph, Link, Table
from model.query.fault import did_you_mean, fault
from model.query.syntax import Aggregate, ColumnRef, Comparison, Scalar

Kind = Literal["number", "string", "time", "boolean", "other"]
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")


class Names:
    """The tables, columns and links of one graph, as one query speaks of them."""

    def __init__(self, text: str, graph: Graph) -> None:
        self.graph = graph
        self.notes: list[str] = []
        """Choices made for the user, in words."""
        self._text = text

    def table(self, ref: ColumnRef) -> Table:
        """The table of a reference; a fault where there is none."""
        names = [table.name for table in self.graph.tables]
        if ref.table not in names:
            raise fault(self._text, ref.span, f"no table `{ref.table}`", did_you_mean(ref.table, names))
        return self.graph.table(ref.table)

    def column(self, ref: ColumnRef) -> Column:
        """The column of a reference; a fault where there is none."""
        table = self.table(ref)
        names = [column.name for column in table.columns]
        if ref.column not in names:
            hint = did_you_mean(ref.column, names)
            raise fault(self._text, ref.span, f"no column `{ref.column}` in `{ref.table}`", hint)
        return table.column(ref.column)

    @staticmethod
    def kind(column: Column) -> Kind:
        """What values of a column can be compared with."""
        storage = column.storage_type.upper()
        if storage.lstrip("U").startswith(_NUMBERS) and "[" not in storage:
            return "number"
        kinds: dict[str, Kind] = {"VARCHAR": "string", "BOOLEAN": "boolean", "TIMESTAMP": "time"}
        return kinds.get(storage, "other")

    def row_column(self, ref: ColumnRef, table: Table) -> ColumnRef:
        """A column that a row of `table` has: its own, or one of a parent that a single link leads to."""
        self.table(ref)
        if ref.column == "*":
            raise fault(self._text, ref.span, "`*` only goes inside COUNT and EXISTS", "name a column")
        self.column(ref)
        if ref.table == table.name:
            return ref
        links = [link for link in self.graph.parents(table.name) if link.parent_table == ref.table]
        if not links:
            known = sorted({table.name} | {link.parent_table for link in self.graph.parents(table.name)})
            raise fault(
                self._text,
                ref.span,
                f"a row of `{table.name}` has no `{ref}`",
                f"use columns of {', '.join(f'`{name}`' for name in known)}" + self._or_an_aggregate(ref, table),
            )
        link = self._choose(links, ref)
        return ColumnRef(table=ref.table, column=ref.column, span=ref.span, via=link.child_column)

    def link_to_entity(self, aggregate: Aggregate, entity: Table) -> Link:
        """The link from the aggregated table to the entity table."""
        name = aggregate.column.table
        links = [link for link in self.graph.parents(name) if link.parent_table == entity.name]
        if not links:
            children = [f"`{link.child_table}`" for link in self.graph.children(entity.name)]
            raise fault(
                self._text,
                aggregate.column.span,
                f"no link leads from `{name}` to the entity table `{entity.name}`",
                self._way_to(name, entity.name)
                or (
                    f"aggregate over {' or '.join(sorted(set(children)))}"
                    if children
                    else f"name a link to `{entity.name}` in graph.yaml"
                ),
            )
        if aggregate.by is None:
            return self._choose(links, aggregate.column, key=entity.primary_key)
        for link in links:
            if (link.child_table, link.child_column) == (aggregate.by.table, aggregate.by.column):
                return link
        raise fault(
            self._text,
            aggregate.by.span,
            f"BY names a link from `{name}` to `{entity.name}` (got `{aggregate.by}`)",
            _links_hint(links),
        )

    def _or_an_aggregate(self, ref: ColumnRef, table: Table) -> str:
        if any(link.child_table == ref.table for link in self.graph.children(table.name)):
            return f", or an aggregate, e.g. COUNT({ref.table}.* WHERE {ref} = ..., -30, 0, days) > 0"
        return ""

    def _way_to(self, name: str, entity: str) -> str:
        """What to write where a table is two links from the entity table; "" where it is further or not at all."""
        between = [link.child_table for link in self.graph.children(entity)]
        for middle in between:
            if any(link.parent_table == name for link in self.graph.parents(middle)):
                return f"it is two links away: aggregate over `{middle}`, whose WHERE may use columns of `{name}`"
            if any(link.child_table == name for link in self.graph.children(middle)):
                return f"it is two links away, by `{middle}`: give `{name}` a column with the key of `{entity}`"
        return ""

    def _choose(self, links: Sequence[Link], ref: ColumnRef, key: str | None = None) -> Link:
        """The only link, or the one named like the parent's key."""
        if len(links) == 1:
            return links[0]
        key = key or self.graph.table(links[0].parent_table).primary_key
        same = [link for link in links if link.child_column == key]
        if same:
            others = ", ".join(f"`{link.child_column}`" for link in links if link not in same)
            self.notes.append(
                f"`{ref.table}` is joined by `{same[0].child_column}`, which is named like the key (not by {others})"
            )
            return same[0]
        raise fault(
            self._text,
            ref.span,
            f"{len(links)} links lead from `{links[0].child_table}` to `{links[0].parent_table}`",
            _links_hint(links),
        )


def _links_hint(links: Sequence[Link]) -> str:
    choices = [f"{link.child_table}.{link.child_column}" for link in links]
    return f"say which: BY {' or BY '.join(choices)}, e.g. COUNT({links[0].child_table}.* BY {choices[0]}, ...)"


def refuse_clash(text: str, comparison: Comparison, kind: Kind) -> None:
    """A value that the operand cannot be compared with is a fault."""
    operator, span = comparison.operator, comparison.span
    if operator.startswith("IS "):
        return
    if operator.removeprefix("NOT ") in ("LIKE", "CONTAINS", "STARTS WITH", "ENDS WITH"):
        if kind != "string":
            raise fault(text, span, f"{operator} needs a string (got a {kind})", "use a comparison such as =")
        return
    values = comparison.value if isinstance(comparison.value, tuple) else (comparison.value,)
    if kind == "other":
        raise fault(text, span, "this column cannot be compared", "only IS NULL and IS NOT NULL go here")
    if kind in ("string", "boolean") and operator in ("<", "<=", ">", ">="):
        raise fault(text, span, f"{operator} needs a number or a time (got a {kind})", "use = or IN")
    for value in values:
        if value is None:
            raise fault(text, span, "nothing equals NULL, in a list neither", "write ... OR table.column IS NULL")
        if not _fits(value, kind):
            hint = {
                "number": "write a number without quotes",
                "string": "put the value in quotes",
                "time": "write a date such as '2024-01-31' or '2024-01-31 12:00:00'",
                "boolean": "write TRUE or FALSE",
            }[kind]
            raise fault(text, span, f"a {kind} cannot be compared with {value!r}", hint)


def _fits(value: Scalar, kind: Kind) -> bool:
    if isinstance(value, bool):
        return kind in ("boolean", "number")
    if isinstance(value, int | float):
        return kind == "number" or (kind == "boolean" and value in (0, 1))
    if isinstance(value, str):
        return kind == "string" or (kind == "time" and _is_time(value))
    return False


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
