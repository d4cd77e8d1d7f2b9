"""`Settings`: all that a platform stack's file says, with the tier's choice wherever the file is silent."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from infra.storage.prefixes import overlap
from stacks.settings.cluster import ClusterSettings
from stacks.settings.edge import EdgeSettings
from stacks.settings.gitops import GitOpsSettings
from stacks.settings.network import CreateNetwork, NetworkSettings
from stacks.settings.nodes import NodesSettings
from stacks.settings.observability import ObservabilitySettings
from stacks.settings.part import Part
from stacks.settings.serving import ServingSettings
from stacks.settings.storage import StorageSettings
from stacks.settings.usage import UsageSettings

Tier = Literal["low", "medium", "high"]


def _can_be_written(tags: Mapping[str, str]) -> Mapping[str, str]:
    """The load-balancer controller takes tags as one text, `key=value,key=value`; AWS keeps `aws:` for itself."""
    for key, value in tags.items():
        if set(key + value) & set(",=") or not key:
            raise ValueError(
                f"a tag with , or = or without a name (got {key!r}: {value!r}); allowed: words without them"
            )
        if key.lower().startswith("aws:"):
            raise ValueError(f"a name that AWS keeps for itself (got {key}); allowed: names without `aws:` in front")
    return tags


class Settings(Part):
    """A platform stack."""

    tier: Tier
    """Gives the default of every setting that costs money."""
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")
    """AWS region; it stands in the file as `aws:region`."""
    tags: Annotated[Mapping[str, str], AfterValidator(_can_be_written)] = Field(default_factory=dict)
    """AWS tags of everything that can be tagged; no `,` and no `=` in them."""
    network: NetworkSettings
    """The VPC."""
    cluster: ClusterSettings
    """The control plane."""
    nodes: NodesSettings
    """System nodes and pools of workers."""
    storage: StorageSettings = StorageSettings()
    """Artifacts and images."""
    edge: EdgeSettings
    """The gateway."""
    serving: ServingSettings = ServingSettings()
    """Models."""
    observability: ObservabilitySettings
    """Metrics and alerts."""
    gitops: GitOpsSettings
    """Commits to cluster."""
    usage: UsageSettings
    """What the bill assumes."""

    @model_validator(mode="after")
    def _models_have_a_prefix_of_their_own(self) -> Self:
        """What is below the models' prefix is never deleted; what is below the others is, or comes from outside."""
        models = self.serving.artifact_prefix
        for key, prefix in self.storage.prefixes:
            if overlap(models, prefix):
                raise ValueError(
                    f"serving.artifact_prefix: overlaps storage.{key} (got {models} and {prefix});"
                    " allowed: prefixes of which neither lies in the other"
                )
        return self

    @property
    def zones(self) -> tuple[str, ...]:
        """Names of the availability zones, e.g. us-west-2a; none for an existing network."""
        if isinstance(self.network, CreateNetwork):
            return tuple(f"{self.region}{letter}" for letter in self.network.zones)
        return ()
