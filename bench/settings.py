"""What a benchmark measures, and how long it takes for it."""

from dataclasses import dataclass
from pathlib import Path

from model.errors import UserError

PARTS = ("endpoint", "peers", "microseconds", "transports", "disturbances", "cold", "cost", "scaling")
"""In the order in which they run."""
QUICK_PEERS = ("fastapi",)


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchSettings:
    """One run of the benchmark."""

    folder: Path = Path("runs/bench")
    """Everything is written below it; parts that were measured there before stay in its report."""
    parts: tuple[str, ...] = PARTS
    peers: tuple[str, ...] = ()
    """Which peers to compare with; empty means all."""
    rounds: int = 3
    """Every contestant is measured once a round, one after the other, so that all see the same machine."""
    bound_ms: float = 10.0
    """A rate is held when 99 % of the requests are answered within it and none failed."""
    step_s: float = 3.0
    """Of one step of the search for the highest rate."""
    confirm_s: float = 10.0
    """Of the run at the highest rate, whose figures are reported."""
    min_requests: int = 500
    """Of a step: a slow contestant's takes longer."""
    num_embeddings: int = 1_370_000
    """Entities in the embedding table."""
    connections: int = 32
    """Kept open by the generator; twice as many at most."""
    tolerance: float = 0.1
    """How close the highest rate that holds and the lowest that does not come."""

    def __post_init__(self) -> None:
        for part in self.parts:
            if part not in PARTS:
                raise UserError(f"the benchmark has no part `{part}`", hint=f"one of {', '.join(PARTS)}")
        for name in ("rounds", "bound_ms", "step_s", "confirm_s", "min_requests", "connections", "tolerance"):
            if getattr(self, name) <= 0:
                raise UserError(f"`{name}` must be above 0 (got {getattr(self, name)})")
        if self.num_embeddings < 10_000:
            raise UserError(f"`num_embeddings` must be at least 10000 (got {self.num_embeddings})")


def quick(folder: Path) -> BenchSettings:
    """Two ratios in two minutes."""
    return BenchSettings(
        folder=folder,
        parts=("endpoint", "peers"),
        peers=QUICK_PEERS,
        rounds=1,
        step_s=1.0,
        confirm_s=4.0,
        min_requests=500,
        num_embeddings=100_000,
        tolerance=0.15,
    )
