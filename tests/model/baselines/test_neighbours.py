"""Two hops by SQL: right by hand on little tables, and blind to what lies after the cut-off."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from model.baselines.feature_table import Features
from model.baselines.neighbours import neighbour_features, neighbour_paths
from model.graph import Link
from model.labels.training_table import TrainingTable
from model.query import bind_query, parse_query
from model.tables.database import load_graph, open_database, save_graph
from tests.model.little_tables import day, day_ns, write_tables

WINS = "PREDICT COUNT(games.* WHERE games.won = TRUE, 0, 8, days) > 0 FOR EACH teams.team_id"
GAMES = [(0, 1, 1.0, 1.0), (1, 0, 1.0, 0.0), (1, 2, 5.0, 1.0), (2, 1, 5.0, 0.0), (0, 2, 9.0, 0.0), (2, 0, 9.0, 1.0)]
PATH = "games.team_id->opponent_id<-games.team_id"


def league(folder: Path, games: Sequence[tuple[int, int, float, float]]) -> Path:
    """Games are (team, opponent, day, won)."""
    team, opponent, number, won = zip(*games, strict=True)
    write_tables(
        folder,
        teams={"team_id": [0, 1, 2, 3], "fans": [1.5, 2.5, 3.5, 4.5]},
        games={
            "game_id": list(range(len(games))),
            "team_id": list(team),
            "opponent_id": list(opponent),
            "played": [day(n) for n in number],
            "won": [bool(n) for n in won],
            "crowd": [n + 0.5 for n in range(len(games))],
        },
    )
    # Six games are too few for a guess that `opponent_id` links to a table of another name.
    inferred = load_graph(folder)
    opponent_link = Link(child_table="games", child_column="opponent_id", parent_table="teams")
    save_graph(folder, inferred.model_copy(update={"links": (*inferred.links, opponent_link)}))
    return folder


def features(folder: Path, entity: Sequence[int], days: Sequence[float]) -> Features:
    table = TrainingTable(
        entity_table="teams",
        entity=np.array(entity, np.int64),
        cutoff_ns=np.array([day_ns(n) for n in days], np.int64),
        label=np.zeros(len(entity), np.float32),
        split=np.array(["train"] * len(entity), np.str_),
    )
    with open_database(folder) as database:
        return neighbour_features(database, table, bind_query(parse_query(WINS), database.graph))


def test_how_often_the_opponents_won(tmp_path: Path) -> None:
    found = features(league(tmp_path, GAMES), [0, 0, 3], [10, 8, 10])

    def named(name: str) -> list[float]:
        return [round(float(value), 4) for value in found.values_RF[:, found.names.index(f"{PATH}: {name}")]]

    # Up to day 10: team 1 won one of two, team 2 one of two; up to day 8: team 1 one of two.
    assert named("mean over ever of share of condition 1, ever")[:2] == [0.5, 0.5]
    # The last opponent: team 2 with games 3 and 5, and on day 8 team 1 with games 1 and 2.
    assert named("last mean crowd, ever")[:2] == [4.5, 2.0]
    assert named("mean over ever of mean crowd, ever")[:2] == [3.25, 2.0]
    assert named("mean over 24 days of log count, ever")[:2] == [round(float(np.log(3)), 4)] * 2
    assert named("last log count, 8 days")[:2] == [round(float(np.log(3)), 4)] * 2
    assert np.isnan(found.values_RF[2]).all()


def test_every_way_is_found(tmp_path: Path) -> None:
    with open_database(league(tmp_path, GAMES)) as database:
        found = {str(path) for path in neighbour_paths(database.graph, "teams")}
    assert found == {
        f"games.{near}->{via}<-games.{far}"
        for near, via in (("team_id", "opponent_id"), ("opponent_id", "team_id"))
        for far in ("team_id", "opponent_id")
    }


@pytest.mark.parametrize(("second", "changed"), [(0, True), (1, False)])
def test_a_planted_row_changes_features_only_up_to_its_cut_off(tmp_path: Path, second: int, changed: bool) -> None:
    before = features(league(tmp_path / "before", GAMES), [0, 1, 2], [10, 10, 10])
    planted = [(team, (team + 1) % 3, 10 + second / 86_400, 1.0) for team in (0, 1, 2)]
    after = features(league(tmp_path / "after", [*GAMES, *planted]), [0, 1, 2], [10, 10, 10])
    assert after.names == before.names
    assert np.array_equal(before.values_RF, after.values_RF, equal_nan=True) is not changed
