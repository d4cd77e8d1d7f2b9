"""A graph that contradicts itself is refused, in Python and in a file."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from model.errors import UserError
from model.graph import Column, Graph, Link, SemanticType, Table, read_graph, write_graph

KEY = Column(name="id", semantic_type=SemanticType.ID, storage_type="BIGINT")
PARENT = Table(name="parents", columns=(KEY,), primary_key="id")
CHILD = Table(name="children", columns=(KEY,))


def test_a_graph_survives_its_file(tmp_path: Path) -> None:
    link = Link(child_table="children", child_column="id", parent_table="parents")
    graph = Graph(tables=(PARENT, CHILD), links=(link,))
    write_graph(graph, tmp_path / "graph.yaml")
    assert read_graph(tmp_path / "graph.yaml") == graph


@pytest.mark.parametrize(
    ("tables", "link", "message"),
    [
        ((PARENT, PARENT), None, "table `parents` is named twice"),
        ((PARENT, CHILD), ("children", "parent", "parents"), r"no column `children\.parent`"),
        ((PARENT, CHILD), ("children", "id", "nowhere"), "no table `nowhere`"),
        ((PARENT, CHILD), ("parents", "id", "children"), "`children` has no primary_key"),
    ],
)
def test_contradictions_are_refused(tables: tuple[Table, ...], link: tuple[str, str, str] | None, message: str) -> None:
    links = () if link is None else (Link(child_table=link[0], child_column=link[1], parent_table=link[2]),)
    with pytest.raises(ValidationError, match=message):
        Graph(tables=tables, links=links)


@pytest.mark.parametrize("role", ["primary_key", "time_column"])
def test_a_role_needs_its_column(tmp_path: Path, role: str) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text(f"tables: [{{name: a, columns: [], {role}: nothing}}]")
    with pytest.raises(UserError, match=f"{role} `nothing` of table `a` is none of its columns"):
        read_graph(path)


def test_a_file_of_another_form_names_the_place(tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text("tables: [{name: a, columns: [{name: x, semantic_type: colour, storage_type: BIGINT}]}]")
    with pytest.raises(UserError, match=r"tables\.0\.columns\.0\.semantic_type.*got 'colour'"):
        read_graph(path)
    path.write_text("tables: [")
    with pytest.raises(UserError, match="is not YAML"):
        read_graph(path)
    with pytest.raises(UserError, match="cannot read"):
        read_graph(tmp_path / "nowhere.yaml")
