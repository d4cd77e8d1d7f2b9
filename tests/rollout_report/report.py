"""What was measured, as `report.json`: names here are stable and read by others."""

from pydantic import BaseModel, ConfigDict

from demo.report import Machine


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WeightChanges(_Part):
    """Changes of weights, one after the other, under load all the time."""

    count: int
    sent: int
    lost: int
    """Requests without a good answer, for any reason."""


class RollbackSeconds(_Part):
    """From the verb until the gateway has taken the routes over and the candidate has given its last answer."""

    count: int
    median: float
    max: float
    lost: int
    """Requests without a good answer meanwhile."""


class Simulation(_Part):
    """Of the default plan, as `stillhouse release simulate` prints it."""

    aa_rollouts: int
    aa_false_rollbacks: int
    alpha: float
    caught_5_percent_looks_median: float | None
    tail_power: float


class FaultOutcome(_Part):
    """One fault that was made to happen."""

    number: int
    words: str
    expected: str
    survived: bool


class Faults(_Part):
    """All of the catalogue."""

    tried: int
    survived: int
    each: tuple[FaultOutcome, ...]


class Jwt(_Part):
    """Tokens, good and bad, at the real gateway."""

    cases: int
    wrong: int


class RolloutReport(_Part):
    """The whole of `report.json`."""

    weight_changes: WeightChanges
    rollback_seconds: RollbackSeconds
    simulation: Simulation
    faults: Faults
    jwt: Jwt
    machine: Machine
