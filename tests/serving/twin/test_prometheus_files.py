"""What Prometheus is told: promtool takes it, and only loopback is ever scraped."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.twin.prometheus_files import _KEPT, Targets, prometheus_config, prometheus_options
from tests.serving.promtool import promtool

TARGETS = Targets(endpoint="churn", gateway_port=9901, model_ports={"v2": 8102, "v1": 8101})
ports = st.integers(1, 65535)


def test_promtool_takes_the_configuration_with_its_targets(tmp_path: Path) -> None:
    for job, groups in TARGETS.files().items():
        (tmp_path / f"{job}.json").write_text(json.dumps(groups))
    config = tmp_path / "prometheus.json"
    written = prometheus_config(tmp_path, scrape_interval_s=0.5)
    config.write_text(json.dumps(written))
    assert "is valid prometheus config file syntax" in promtool("check", "config", str(config)).stdout
    (tmp_path / "gateway.json").write_text('[{"targets": "127.0.0.1:9901"}]')
    with pytest.raises(subprocess.CalledProcessError):
        promtool("check", "config", str(config))


def test_a_scrape_may_not_take_longer_than_the_time_to_the_next(tmp_path: Path) -> None:
    written = prometheus_config(tmp_path, scrape_interval_s=0.5)
    assert written["global"] == {"scrape_interval": "500ms", "scrape_timeout": "500ms"}


@given(gateway=ports, models=st.dictionaries(st.from_regex(r"v[0-9]{1,3}", fullmatch=True), ports))
def test_every_process_is_scraped_on_loopback_under_its_name(gateway: int, models: dict[str, int]) -> None:
    files = Targets(endpoint="churn", gateway_port=gateway, model_ports=models).files()
    (envoy,) = files["gateway"]
    assert envoy == {"targets": [f"127.0.0.1:{gateway}"], "labels": {"model_endpoint": "churn"}}
    found = {each["labels"]["model_version"]: each["targets"] for each in files["models"]}
    assert found == {version: [f"127.0.0.1:{port}"] for version, port in models.items()}
    assert all(each["labels"]["model_endpoint"] == "churn" for each in files["models"])


def test_it_listens_on_loopback_and_forgets(tmp_path: Path) -> None:
    options = prometheus_options(config=tmp_path / "c", data=tmp_path / "d", port=9090, kept_hours=24)
    assert "--web.listen-address=127.0.0.1:9090" in options
    assert "--storage.tsdb.retention.time=24h" in options
    assert any(option.startswith("--storage.tsdb.retention.size=") for option in options)


@pytest.mark.parametrize(
    ("statistic", "is_kept"),
    [
        ("cluster.v1.upstream_rq_200", True),
        ("cluster.v1.upstream_rq_time", True),
        ("cluster.v1.external.upstream_rq_200", False),
        ("cluster.v1.upstream_cx_length_ms", False),
        ("http.endpoint.downstream_rq_4xx", True),
        ("server.uptime", True),
        ("server.days_until_first_cert_expiring", False),
        ("listener.admin.downstream_cx_total", False),
    ],
)
def test_of_envoys_statistics_only_these_are_scraped(statistic: str, is_kept: bool) -> None:
    assert bool(re.search(_KEPT, statistic)) is is_kept
