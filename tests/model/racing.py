"""A small racing database of nine tables, in the form in which public relational benchmarks publish theirs.

Keys are whole numbers from 0, three tables have no time of their own, values and foreign keys have gaps (which makes
fractions of the latter, as pandas writes them), and a driver's history lies in three tables. Parquet files state their
keys in the metadata, as RelBench's do; CSV files state nothing, and hold dates as text.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

FIRST_SEASON, NUM_SEASONS, RACES_A_SEASON = 2002, 10, 9
NUM_DRIVERS, NUM_TEAMS, NUM_CIRCUITS = 36, 8, 12
_KEYS: Mapping[str, tuple[str, str | None, Mapping[str, str]]] = {
    "circuits": ("circuitId", None, {}),
    "drivers": ("driverId", None, {}),
    "constructors": ("constructorId", None, {}),
    "races": ("raceId", "date", {"circuitId": "circuits"}),
    "results": ("resultId", "date", {"raceId": "races", "driverId": "drivers", "constructorId": "constructors"}),
    "standings": ("driverStandingsId", "date", {"raceId": "races", "driverId": "drivers"}),
    "constructor_results": ("constructorResultsId", "date", {"raceId": "races", "constructorId": "constructors"}),
    "constructor_standings": ("constructorStandingsId", "date", {"raceId": "races", "constructorId": "constructors"}),
    "qualifying": ("qualifyId", "date", {"raceId": "races", "driverId": "drivers", "constructorId": "constructors"}),
}
"""Table -> primary key, time column, foreign keys."""


def write_racing(folder: Path, form: Literal["parquet", "csv"] = "parquet", seed: int = 0) -> Path:
    """Write the nine tables below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in _tables(np.random.default_rng(seed)).items():
        if form == "csv":
            frame.to_csv(folder / f"{name}.csv", index=False)
            continue
        key, time, links = _KEYS[name]
        stated = {"pkey_col": key, "time_col": time, "fkey_col_to_pkey_table": links}
        table = pa.Table.from_pandas(frame, preserve_index=False)
        metadata = {**(table.schema.metadata or {}), **{k: json.dumps(v).encode() for k, v in stated.items()}}
        pq.write_table(table.replace_schema_metadata(metadata), folder / f"{name}.parquet")
    return folder


def _tables(rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    circuits = pd.DataFrame(
        {
            "circuitId": range(NUM_CIRCUITS),
            "name": [f"Ring {n} near the lake" for n in range(NUM_CIRCUITS)],
            "country": rng.choice(["Italy", "Japan", "Brazil"], NUM_CIRCUITS),
            "lat": rng.normal(0, 30, NUM_CIRCUITS),
            "alt": _gaps(rng, rng.integers(0, 900, NUM_CIRCUITS).astype(float), 0.2),
        }
    )
    drivers = pd.DataFrame(
        {
            "driverId": range(NUM_DRIVERS),
            "dob": pd.Timestamp("1975-01-01") + pd.to_timedelta(rng.integers(0, 5000, NUM_DRIVERS), "D"),
            "nationality": _gaps(rng, rng.choice(["Finnish", "German", "Spanish"], NUM_DRIVERS), 0.1),
        }
    )
    constructors = pd.DataFrame(
        {
            "constructorId": range(NUM_TEAMS),
            "name": [f"Team {n}" for n in range(NUM_TEAMS)],
            "nationality": rng.choice(["British", "Italian"], NUM_TEAMS),
        }
    )
    races = _races(rng)
    results, qualifying = _starts(rng, races)
    standings = _standings(rng, results, "driverId", "driverStandingsId")
    team_standings = _standings(rng, results, "constructorId", "constructorStandingsId")
    team_results = results.dropna(subset=["constructorId"]).groupby(["raceId", "constructorId"], as_index=False)
    scored = team_results.agg(points=("points", "sum"), date=("date", "first"))
    scored.insert(0, "constructorResultsId", range(len(scored)))
    return {
        "circuits": circuits,
        "drivers": drivers,
        "constructors": constructors,
        "races": races,
        "results": results,
        "standings": standings,
        "constructor_results": scored,
        "constructor_standings": team_standings,
        "qualifying": qualifying,
    }


def _races(rng: np.random.Generator) -> pd.DataFrame:
    """Every two weeks from March on; nobody knows the circuit of a few."""
    number = NUM_SEASONS * RACES_A_SEASON
    season, order = np.divmod(np.arange(number), RACES_A_SEASON)
    begins = [pd.Timestamp(year=FIRST_SEASON + int(one), month=3, day=5, hour=14) for one in season]
    return pd.DataFrame(
        {
            "raceId": range(number),
            "year": FIRST_SEASON + season,
            "round": order + 1,
            "circuitId": _gaps(rng, order % NUM_CIRCUITS, 0.05),
            "date": [at + pd.Timedelta(days=14 * int(one)) for at, one in zip(begins, order, strict=True)],
            "time": _gaps(rng, rng.choice(["13:00:00", "14:00:00"], number), 0.3),
        }
    )


def _starts(rng: np.random.Generator, races: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two drivers a team and race; skills of drivers and teams decide, and careers begin and end."""
    skill, team_skill = rng.normal(0, 1, NUM_DRIVERS), rng.normal(0, 1, NUM_TEAMS)
    frailty = rng.beta(1, 3, NUM_DRIVERS)
    debut = np.sort(rng.integers(-4, NUM_SEASONS, NUM_DRIVERS))
    results, qualifying = [], []
    for number, at in enumerate(races.date):
        season = number // RACES_A_SEASON
        active = np.flatnonzero((debut <= season) & (debut > season - 5))
        field = active[: 2 * NUM_TEAMS]
        team = np.arange(len(field)) % NUM_TEAMS
        pace = skill[field] + team_skill[team] + rng.normal(0, 0.7, len(field))
        grid = _ranks(-pace)
        is_out = rng.random(len(field)) < frailty[field]
        order = _ranks(-(pace + rng.normal(0, 0.5, len(field))) + 100 * is_out)
        shared = {"raceId": number, "driverId": field, "constructorId": team}
        results.append(
            pd.DataFrame(
                {
                    **shared,
                    "grid": grid.astype(float),
                    "position": np.where(is_out, np.nan, order),
                    "positionOrder": order,
                    "points": np.maximum(0, 11 - 2.0 * order) * ~is_out,
                    "laps": np.where(is_out, rng.integers(1, 50, len(field)), 60),
                    "milliseconds": np.where(is_out, np.nan, 5e6 + 1e4 * order),
                    "rank": _gaps(rng, order.astype(float), 0.6),
                    "statusId": np.where(is_out, rng.integers(2, 12, len(field)), 1),
                    "date": at,
                }
            )
        )
        day_before = at - pd.Timedelta(days=1)
        qualifying.append(pd.DataFrame({**shared, "number": field + 1, "position": grid, "date": day_before}))
    found, timed = pd.concat(results, ignore_index=True), pd.concat(qualifying, ignore_index=True)
    found["constructorId"] = _gaps(rng, found.constructorId.to_numpy(), 0.05)
    found.insert(0, "resultId", range(len(found)))
    timed.insert(0, "qualifyId", range(len(timed)))
    return found, timed


def _standings(rng: np.random.Generator, results: pd.DataFrame, of: str, key: str) -> pd.DataFrame:
    """Points so far in the season, after each race."""
    known = results.dropna(subset=[of]).assign(year=lambda frame: pd.DatetimeIndex(frame.date).year)
    frame = known.groupby(["raceId", of, "year"], as_index=False).agg(points=("points", "sum"), date=("date", "first"))
    frame["points"] = frame.groupby(["year", of])["points"].cumsum()
    frame["position"] = _gaps(rng, frame.groupby("raceId")["points"].rank(ascending=False).to_numpy(), 0.02)
    frame["wins"] = (frame.points > 8).astype(int)
    frame.insert(0, key, range(len(frame)))
    return frame.drop(columns="year")


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """1 for the smallest."""
    return np.argsort(np.argsort(values)) + 1


def _gaps(rng: np.random.Generator, values: npt.NDArray[Any], share: float) -> Any:
    return pd.Series(values).mask(rng.random(len(values)) < share)
