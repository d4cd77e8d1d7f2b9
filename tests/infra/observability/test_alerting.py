"""Alerts: the receiver's address is read from a file, never written into a configuration."""

import json

import pytest

from infra.observability.alerting import KEY, SECRET, ReceiverKind, alertmanager_config

FILE = f"/etc/alertmanager/secrets/{SECRET}/{KEY}"


@pytest.mark.parametrize(
    ("kind", "section", "field"),
    [
        (ReceiverKind.SLACK, "slack_configs", "api_url_file"),
        (ReceiverKind.WEBHOOK, "webhook_configs", "url_file"),
        (ReceiverKind.PAGERDUTY, "pagerduty_configs", "routing_key_file"),
    ],
)
def test_the_address_comes_from_the_mounted_secret(kind: ReceiverKind, section: str, field: str) -> None:
    config = alertmanager_config(kind)
    (team,) = [receiver for receiver in config["receivers"] if receiver["name"] == "team"]
    assert team[section] == [{field: FILE, "send_resolved": True}]
    assert config["route"]["receiver"] == "team"


def test_every_receiver_that_is_named_exists() -> None:
    for kind in (None, *ReceiverKind):
        config = alertmanager_config(kind)
        names = {receiver["name"] for receiver in config["receivers"]}
        assert config["route"]["receiver"] in names
        assert {route["receiver"] for route in config["route"]["routes"]} <= names


def test_without_a_receiver_nobody_is_told() -> None:
    assert alertmanager_config(None)["route"]["receiver"] == "nobody"
    assert "_file" not in json.dumps(alertmanager_config(None))
