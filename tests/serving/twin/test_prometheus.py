"""Prometheus as one of the twin's processes: in its status, restarted, and with its samples kept."""

import os
import signal
import socket
import time
from functools import partial
from pathlib import Path

import pytest

from model.errors import UserError
from serving.prometheus import Prometheus
from serving.release_verbs import promote
from serving.signals import names
from serving.twin.run import twin_status, twin_up
from serving.twin.settings import TwinSettings
from tests.serving.stage import Stage
from tests.serving.waiting import wait_for


def scraped(url: str) -> set[tuple[str, str]]:
    """(job, version) of everything that was scraped well just now."""
    found = Prometheus(url=url).samples("up == 1", at_s=time.time())
    if not isinstance(found, tuple):
        return set()
    return {(each.labels["job"], each.labels.get(names.MODEL_VERSION, "")) for each in found}


def test_every_process_is_scraped_as_versions_come_and_go(stage: Stage) -> None:
    assert stage.status is not None
    url, stable = stage.status.prometheus_url, stage.stable
    both = {("gateway", ""), ("models", stable)}
    wait_for(lambda: scraped(url) >= both, what="the first scrapes")
    version = stage.add_next()
    stage.canary(version, 10)
    wait_for(lambda: ("models", version) in scraped(url), what="a scrape of the candidate")
    stage.rollback()
    wait_for(lambda: ("models", version) not in scraped(url), what="the end of the candidate's scrapes")
    assert scraped(url) >= both


def test_a_killed_prometheus_comes_back_with_its_samples(stage: Stage) -> None:
    before = twin_status(stage.folder)
    assert before.prometheus.health == "ready"
    assert before.prometheus.pid is not None
    prometheus = Prometheus(url=before.prometheus_url)
    wait_for(lambda: ("gateway", "") in scraped(prometheus.url), what="a scrape")
    at_s = time.time()
    os.kill(before.prometheus.pid, signal.SIGKILL)
    restarts = before.prometheus.restarts + 1
    wait_for(lambda: twin_status(stage.folder).prometheus.restarts == restarts, what="the restart")
    after = twin_status(stage.folder)
    assert (after.prometheus_url, after.prometheus.last_exit) == (before.prometheus_url, "killed by SIGKILL")
    assert any("prometheus is down: killed by SIGKILL" in event.text for event in after.events)
    assert stage.served_by(20) == {stage.stable: 20}
    kept = prometheus.samples('up{job="gateway"}', at_s=at_s)
    assert isinstance(kept, tuple)
    assert [each.value for each in kept] == [1]
    wait_for(lambda: ("gateway", "") in scraped(prometheus.url), what="a scrape after the restart")


def test_it_lies_in_the_twins_folder(stage: Stage) -> None:
    assert (stage.folder / "prometheus/data").is_dir()
    assert (stage.folder / "logs/prometheus.log").exists()


def test_a_port_that_was_asked_for_and_is_taken_is_named(own: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        own.settings["prometheus_port"] = taken.getsockname()[1]
        with pytest.raises(UserError, match=r"(?s)prometheus did not come up.*address already in use"):
            own.up()


def test_a_missing_prometheus_is_found_before_anything_starts(own: Stage, tmp_path: Path) -> None:
    own.do(partial(promote, version="v1"))
    settings = TwinSettings(
        folder=own.folder, release_path=own.release_path, root=own.root, prometheus_binary=tmp_path / "prometheus"
    )
    with pytest.raises(UserError, match=r"no Prometheus at `.*prometheus`(.|\n)*hint: `make setup`"):
        twin_up(settings)
    assert not (own.folder / "supervisor.lock").exists()
