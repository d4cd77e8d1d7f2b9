"""What a protocol file says: tables, query, times, models, seeds. `protocols/` ships some.

    protocol = read_protocol(Path("protocols/shop-churn.yaml"))

The label window is the query's own; RelBench's rule places the rest: training cut-offs go back from the first
validation cut-off, evaluation windows go forward, and none reaches into the next split or past the last row.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from model.errors import UserError
from model.shop.state import Signal

ModelName = Literal[
    "oracle", "lightgbm_entity", "lightgbm_dfs", "popularity", "repeat", "graphsage", "deep", "network", "distilled"
]
Regime = Literal["rolling", "frozen"]
SEEDLESS: tuple[ModelName, ...] = ("oracle", "popularity", "repeat")
"""Models that chance has no part in: one seed says all."""
RANKERS: tuple[ModelName, ...] = ("popularity", "repeat")
"""Models of ranking tasks alone."""
_Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ShopTables(_Strict):
    """The simulated shop, generated where it is needed."""

    shop: Literal["tiny", "demo", "hm"]
    """A preset of `stillhouse generate`."""
    seed: int = 7
    without: tuple[Signal, ...] = ()
    """Signals of the simulator that are switched off."""


class FolderTables(_Strict):
    """Tables of one's own, a file each; a `graph.yaml` beside them is read."""

    folder: str
    """Name of the folder, which is looked for below what `--tables` names, or is it."""
    keep: dict[str, str] = Field(default_factory=dict)
    """Table -> condition, as after WHERE in a query, on its own columns; other rows are left out."""
    ignore: tuple[str, ...] = ()
    """`table.column` names that no model may see, such as a column that looks ahead."""


class Training(_Strict):
    """Which cut-offs train."""

    first: datetime | None = None
    """None before this one; by default as far back as the query's filter and the tables allow."""
    step_days: Annotated[float, Field(gt=0)] | None = None
    """Between cut-offs; by default as far apart as the evaluation windows."""
    max_rows: Annotated[int, Field(ge=1)] = 1_000_000
    """More rows than this are thinned at random."""


class Published(_Strict):
    """A figure of others, to be printed beside ours."""

    model: str
    value: float
    source: str
    regime: Regime = "rolling"


class Protocol(_Strict):
    """One task on one set of tables."""

    data_set: _Name
    task: _Name
    about: str
    """Where the tables come from, and what is asked, in a sentence or two."""
    tables: ShopTables | FolderTables
    query: str
    """Who is eligible and what is predicted."""
    validation: datetime
    """First validation cut-off; without an offset in UTC."""
    test: datetime
    """First test cut-off."""
    windows: Annotated[int, Field(ge=1)] = 1
    """Most cut-offs of validation, and of test."""
    step_days: Annotated[float, Field(gt=0)] | None = None
    """Between evaluation windows; by default the query's horizon."""
    training: Training = Training()
    regimes: tuple[Regime, ...] = ("rolling",)
    """`rolling`: each row sees everything up to its own cut-off. `frozen`: test rows see nothing after the first."""
    models: Annotated[tuple[ModelName, ...], Field(min_length=1)]
    seeds: Annotated[int, Field(ge=1)] = 5
    row_visits: Annotated[int, Field(ge=1)] = 100_000
    """Training rows that a network visits in all."""
    compare: tuple[tuple[ModelName, ModelName], ...] = ()
    """Paired differences to print: metric of the first minus metric of the second."""
    published: tuple[Published, ...] = ()

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        for name, values in (("models", self.models), ("regimes", self.regimes)):
            if len(set(values)) < len(values):
                raise ValueError(f"`{name}` names one twice")
        if "rolling" not in self.regimes:
            raise ValueError("`regimes` holds `rolling` at least")
        for name, does in (("distilled", "learns from"), ("network", "is a part of")):
            if name in self.models and "deep" not in self.models:
                raise ValueError(f"`{name}` {does} `deep`: name both in `models`")
        if "oracle" in self.models and not isinstance(self.tables, ShopTables):
            raise ValueError("`oracle` knows the simulated shop alone")
        for pair in self.compare:
            if not set(pair) <= set(self.models):
                raise ValueError(f"`compare` speaks of `{pair[0]}` and `{pair[1]}`, which `models` do not both hold")
        if nanoseconds(self.test) <= nanoseconds(self.validation):
            raise ValueError("`test` comes after `validation`")
        return self

    @property
    def name(self) -> str:
        """`online-retail-churn`; with signals off, `shop-churn-without-heat`."""
        off = self.tables.without if isinstance(self.tables, ShopTables) else ()
        without = "".join(f"-without-{signal.replace('_', '-')}" for signal in off)
        return f"{self.data_set}-{self.task}{without}"

    def changed(
        self,
        *,
        models: Sequence[str] | None = None,
        seeds: int | None = None,
        row_visits: int | None = None,
        without: Sequence[str] = (),
    ) -> "Protocol":
        """The protocol with some of its settings replaced, checked again; comparisons of models left out go with them.

        Raises:
            UserError: a value that no protocol file may have.
        """
        document = self.model_dump()
        given = {"models": models, "seeds": seeds, "row_visits": row_visits}
        document |= {name: value for name, value in given.items() if value is not None}
        document["compare"] = [pair for pair in self.compare if set(pair) <= set(document["models"])]
        if without:
            if not isinstance(self.tables, ShopTables):
                raise UserError("signals can be switched off in the simulated shop alone", hint="leave out `--without`")
            document["tables"]["without"] = tuple(without)
        return _validated(document, "the options")

    def num_seeds(self, model: ModelName) -> int:
        """How often a model is trained."""
        return 1 if model in SEEDLESS else self.seeds


def nanoseconds(time: datetime) -> int:
    """Since the Unix epoch; a time without an offset is in UTC."""
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()) * 10**9


def read_protocol(path: Path) -> Protocol:
    """Read a protocol file.

    Raises:
        UserError: it is missing, no YAML, or has another form; names the field.
    """
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"cannot read the protocol `{path}`: {error.strerror}", hint="`protocols/` has some") from error
    except yaml.YAMLError as error:
        raise UserError(f"`{path}` is not YAML: {error}") from error
    return _validated(document, f"`{path}`")


def _validated(document: object, place: str) -> Protocol:
    try:
        return Protocol.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        told = str(first["ctx"]["error"]) if first["type"] == "value_error" else f"{field}: {first['msg']}"
        got = "" if first["type"] in ("value_error", "missing") else f" (got {first['input']!r})"
        raise UserError(f"{place}: {told}{got}", hint="docs/protocols.md names every field") from error
