"""Section `usage`: how much is used of what AWS bills by use, as the bill assumes; it changes nothing that is built."""

from pydantic import Field

from stacks.settings.part import Part


class UsageSettings(Part):
    """How much the bill assumes of what AWS bills by use; nothing that is built depends on it."""

    nat_gib_per_month: float = Field(ge=0)
    """GiB through the NAT gateways in a month: image pulls, keys of the token issuer, updates."""
    endpoint_gib_per_month: float = Field(ge=0)
    """GiB through the interface endpoints in a month."""
    control_plane_log_gib_per_month: float = Field(ge=0)
    """GiB of the five control-plane logs in a month."""
    flow_log_gib_per_month: float = Field(ge=0)
    """GiB of flow logs in a month, where they are on."""
    artifact_gib: float = Field(ge=0)
    """GiB in the artifact bucket: models, embeddings, and what versioning keeps."""
    image_gib: float = Field(ge=0)
    """GiB of compressed images in the registry."""
    load_balancer_units: float = Field(ge=0)
    """NLCU in an average hour: one is 800 new connections a second, 100,000 open ones, or 1 GB an hour."""
