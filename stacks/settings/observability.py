"""Section `observability`: how long metrics are kept, and whom alerts reach."""

from typing import Literal

from pydantic import Field

from stacks.settings.part import Part


class ObservabilitySettings(Part):
    """How long metrics are kept, and whom alerts reach."""

    retention_days: int = Field(ge=1)
    """Days of metrics in Prometheus."""
    storage_gib: int = Field(ge=5)
    """GiB of Prometheus's volume; it forgets the oldest before it is full."""
    replicas: int = Field(ge=1, le=3)
    """Copies of Prometheus and of Alertmanager."""
    alert_receiver: Literal["none", "slack", "webhook", "pagerduty"] = "none"
    """Whom Alertmanager tells, at the secret `alert_receiver_secret`; `none`: alerts are only shown."""
