"""Who gets the candidate, in place of chance: callers that say so in a header, or a sticky share of the entities."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from serving.part import Part

Header = Annotated[str, StringConstraints(pattern=r"^[a-z][-a-z0-9]{0,62}$")]
"""In small letters, as HTTP/2 sends it."""
ENTITY_HEADER = "x-stillhouse-entity"


class ByHeader(Part):
    """Requests that carry this header with this value."""

    kind: Literal["header"]
    header: Header
    """Its name in small letters."""
    value: str = Field(min_length=1, max_length=200)
    """Compared exactly."""
    role: str | None = Field(default=None, min_length=1)
    """That the caller's token must have; None is whoever may call at all."""


class ByEntity(Part):
    """A fixed share of the entities, by a hash of salt and key.

    An entity stays in its arm as long as the salt stays; a larger share only adds entities.
    """

    kind: Literal["entity"]
    header: Header = ENTITY_HEADER
    """Carries the entity's key."""
    salt: str = Field(min_length=1, max_length=64)
    """Another one draws the entities anew: give each comparison its own."""


Match = Annotated[ByHeader | ByEntity, Field(discriminator="kind")]
