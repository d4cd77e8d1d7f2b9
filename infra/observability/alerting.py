"""Whom alerts reach: a receiver whose address stays in a Secret, and Alertmanager's configuration around it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pulumi

SECRET = "alert-receiver"  # noqa: S105
"""Secret in the namespace, mounted into Alertmanager."""
KEY = "address"
_FILE = f"/etc/alertmanager/secrets/{SECRET}/{KEY}"


class ReceiverKind(StrEnum):
    """What the secret is."""

    SLACK = "slack"
    """An incoming webhook's address."""
    WEBHOOK = "webhook"
    """Any HTTPS address that takes Alertmanager's JSON."""
    PAGERDUTY = "pagerduty"
    """An Events API v2 routing key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertReceiver:
    """One receiver for all alerts."""

    kind: ReceiverKind
    secret: pulumi.Input[str]
    """Address or routing key; it is never part of a configuration."""


def alertmanager_config(kind: ReceiverKind | None) -> dict[str, Any]:
    """Alerts grouped by name and namespace; None shows them only. The receiver's address is read from its file."""
    receivers: list[dict[str, Any]] = [{"name": "nobody"}]
    if kind is not None:
        receivers.append({"name": "team", **_receiver(kind)})
    return {
        "global": {"resolve_timeout": "5m"},
        "route": {
            "receiver": "nobody" if kind is None else "team",
            "group_by": ["namespace", "alertname"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "4h",
            # They say that alerting works, and which alerts hide others: nothing to wake anybody for.
            "routes": [{"receiver": "nobody", "matchers": ['alertname =~ "Watchdog|InfoInhibitor"']}],
        },
        "inhibit_rules": [
            {
                "source_matchers": ['severity = "critical"'],
                "target_matchers": ['severity =~ "warning|info"'],
                "equal": ["namespace", "alertname"],
            }
        ],
        "receivers": receivers,
    }


def _receiver(kind: ReceiverKind) -> dict[str, Any]:
    match kind:
        case ReceiverKind.SLACK:
            return {"slack_configs": [{"api_url_file": _FILE, "send_resolved": True}]}
        case ReceiverKind.WEBHOOK:
            return {"webhook_configs": [{"url_file": _FILE, "send_resolved": True}]}
        case ReceiverKind.PAGERDUTY:
            return {"pagerduty_configs": [{"routing_key_file": _FILE, "send_resolved": True}]}
