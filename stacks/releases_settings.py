"""`ReleasesSettings`: the section `stillhouse:releases` of `Pulumi.<env>-releases.yaml`; all of it has defaults."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import pulumi
from pydantic import Field

from model.errors import UserError
from stacks.settings.part import Branch, HttpsUrl, ImageByDigest, Part
from stacks.settings.read import checked
from stacks.settings.stack_config import StackConfig, config_of_program

SECTION = "releases"
SUFFIX = "-releases"
POD_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class AutomaticAccess(Part):
    """Whichever of the other two fits where the program runs."""

    kind: Literal["auto"]
    """`in_cluster` inside a pod, `kubeconfig` elsewhere; a CI runner that is a pod itself names its kind."""


class KubeconfigAccess(Part):
    """From outside the cluster: CI, or a person's machine."""

    kind: Literal["kubeconfig"]
    """The platform's kubeconfig, which asks AWS for a token of the role that runs the update."""


class InClusterAccess(Part):
    """From a pod of the cluster: the Pulumi Kubernetes Operator."""

    kind: Literal["in_cluster"]
    """The pod's own service account."""


class ConductorSettings(Part):
    """Who conducts the rollouts of endpoints with a plan."""

    image: ImageByDigest
    """Image with this project and git, by digest; its entry point is `stillhouse`."""
    repository: HttpsUrl
    """Git repository with the release files."""
    branch: Branch = "main"
    """Branch that is applied, and that decisions are pushed to."""


class ReleasesSettings(Part):
    """How a releases stack reaches its platform, and how patient it is."""

    platform: str | None = Field(default=None, pattern=r"^[^/\s]+/[^/\s]+/[^/\s]+$")
    """The platform's stack, `organization/project/stack`; null: this stack's name without `-releases`."""
    access: Annotated[AutomaticAccess | KubeconfigAccess | InClusterAccess, Field(discriminator="kind")] = (
        AutomaticAccess(kind="auto")
    )
    """How to reach the cluster's API."""
    ready_within_s: int = Field(default=1200, ge=30, le=7200)
    """Seconds that a new version may take until its pods are ready, a new node and its image included."""
    request_timeout_ms: int = Field(default=5000, ge=10, le=60_000)
    """Milliseconds after which the gateway gives a request up."""
    conductor: ConductorSettings | None = None
    """Conducts rollouts in the cluster, where its platform has `gitops.conductors`; null: nobody does."""


def environment_of(stack: str) -> str:
    """`prod-releases` -> `prod`.

    Raises:
        UserError: not the name of a releases stack.
    """
    environment = stack.removesuffix(SUFFIX)
    if environment == stack or not environment:
        raise UserError(f"not a releases stack (got `{stack}`)", hint=f"`<environment>{SUFFIX}`, e.g. `dev{SUFFIX}`")
    return environment


def read_releases_settings(config: StackConfig) -> ReleasesSettings:
    """The settings of a releases stack.

    Raises:
        UserError: naming file, key, value and what is allowed.
    """
    own = config.own()
    unknown = sorted(own.keys() - {SECTION})
    if unknown:
        raise UserError(
            f"`{config.place}`: stillhouse:{unknown[0]}: no such setting (got {unknown[0]}); allowed is {SECTION}",
            hint="what the platform is stands in the platform's own stack file",
        )
    found = checked(_File, {SECTION: own.get(SECTION, {})}, place=config.place)
    return found.releases


def current_settings() -> ReleasesSettings:
    """The settings of the program that runs now."""
    return read_releases_settings(config_of_program())


def platform_stack(settings: ReleasesSettings) -> str:
    """Full name of the stack whose outputs are read."""
    # A backend of one's own has no organizations, and this word in their place.
    organization = pulumi.get_organization() or "organization"
    return settings.platform or f"{organization}/{pulumi.get_project()}/{environment_of(pulumi.get_stack())}"


def is_in_cluster(settings: ReleasesSettings, *, environment: Mapping[str, str], token: Path = POD_TOKEN) -> bool:
    """Whether the program uses its pod's own service account.

    Args:
        settings: what the stack file says.
        environment: variables of the process; Kubernetes tells every pod the API server's address.
        token: where a pod with a service account has its token.
    """
    match settings.access:
        case InClusterAccess():
            return True
        case KubeconfigAccess():
            return False
        case AutomaticAccess():
            return "KUBERNETES_SERVICE_HOST" in environment and token.is_file()


class _File(Part):
    """The project's own keys in the file."""

    releases: ReleasesSettings
