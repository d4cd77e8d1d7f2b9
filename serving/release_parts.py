"""Who is who in a release file: every version that serves, served, listens or may not serve, by name and digest."""

from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from serving.judge.label_check import LabelCheck
from serving.part import Part
from serving.release_match import Match

Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$")]
"""At most 32 characters that are also good for Kubernetes, Envoy and a folder, e.g. `v2`."""
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Proof(Part):
    """Evidence on which a version was promoted."""

    evidence: Digest
    """Of the file `evidence/<digest>.json` beside the release file."""
    environment: Name | None = None
    """Beside which environment's release file it lies; None is this one."""


class Registered(Part):
    """A version that may serve: its name never means another digest again."""

    digest: Digest
    uri: str = Field(min_length=1)
    """Where the Triton repository lies: a folder relative to the checkout (on a cluster: to the platform's artifacts),
    `file://` or `s3://`."""
    registered: AwareDatetime
    """When; the newest time where it was registered again."""
    proven: tuple[Proof, ...] = Field(default=(), strict=False)
    """Evidence of its promotions."""


class Stable(Part):
    """The version that takes whatever the others do not."""

    version: Name
    digest: Digest


class Candidate(Part):
    """The version on trial."""

    version: Name
    digest: Digest
    weight: int = Field(ge=0, le=99)
    """Percent of the requests that no rule on a header decides; 0 only beside such a rule."""
    since: AwareDatetime | None = None
    """When it got this weight; evidence from before says nothing about it. None where nobody wrote it down."""
    match: tuple[Match, ...] = Field(default=(), strict=False)
    """Who gets it, in place of chance; the first rule that holds decides."""


class Previous(Part):
    """What was stable before: the stable version stays provisional, and the way back short, until labels confirm it."""

    version: Name
    digest: Digest
    weight: int = Field(default=0, ge=0, le=50)
    """Percent of the requests that it keeps, for a comparison on labels that come later."""
    since: AwareDatetime | None = None
    """When it was relieved."""
    looks: int = Field(default=0, ge=0)
    """How often labels were looked at: the looks share what chance of a mistake there is."""


class Verification(LabelCheck):
    """How labels that come later confirm a promotion, or take it back."""

    label_days: float = Field(gt=0, strict=False)
    """From a request until its label is certain; younger requests are not compared."""
    hold_back: int = Field(default=5, ge=1, le=50)
    """Percent of the requests that the relieved version keeps until then."""


class Shadow(Part):
    """A version that gets copies of requests; nobody gets its answers."""

    version: Name
    digest: Digest
    percent: int = Field(default=100, ge=1, le=100)
    """Percent of the requests that are copied."""


class Rejected(Part):
    """A digest that was rolled back: it serves under no name until a person clears it."""

    digest: Digest
    version: Name
    reason: str
    since: AwareDatetime | None = None
    """When it was rolled back."""


class Hold(Part):
    """Nothing moves towards the candidate while somebody holds it; a rollback is never held."""

    owner: Words
    """Who may be asked."""
    reason: Words
    since: AwareDatetime
    """When it was taken into hold."""
