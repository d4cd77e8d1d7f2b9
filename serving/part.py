"""What every part of a file for people is: frozen, strict, without unknown keys."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of a file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)
