"""`Settings`: all that a platform stack's file says, with the tier's choice wherever the file is silent."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

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


class Settings(Part):
    """A platform stack."""

    tier: Tier
    """Gives the default of every setting that costs money."""
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")
    """AWS region; it stands in the file as `aws:region`."""
    tags: Mapping[str, str] = Field(default_factory=dict)
    """AWS tags of everything that can be tagged."""
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

    @property
    def zones(self) -> tuple[str, ...]:
        """Names of the availability zones, e.g. us-west-2a; none for an existing network."""
        if isinstance(self.network, CreateNetwork):
            return tuple(f"{self.region}{letter}" for letter in self.network.zones)
        return ()
