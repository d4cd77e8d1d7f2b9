"""The few paths of an endpoint: scoring, readiness, and the model's inputs. Everything else of Triton stays closed."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelPath:
    """A path of the V2 protocol and the one method it takes."""

    name: str
    path: str
    method: str


def model_paths(endpoint: str) -> tuple[ModelPath, ...]:
    """The endpoint's name is the model's name in the repository, so that no path is rewritten on the way."""
    root = f"/v2/models/{endpoint}"
    return (
        ModelPath(name="infer", path=f"{root}/infer", method="POST"),
        ModelPath(name="ready", path=f"{root}/ready", method="GET"),
        ModelPath(name="metadata", path=root, method="GET"),
    )
