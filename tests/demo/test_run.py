"""The whole main job on a tiny shop: real training, real Triton, real Envoy, commits in git, and the report."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from scipy.stats import binomtest

from demo.report import DemoReport
from demo.run import run_demo
from demo.settings import DemoSettings
from demo.stage import Stage
from model.errors import UserError
from model.progress import Progress


@contextmanager
def no_bar(title: str) -> Iterator[Progress]:
    yield lambda done, total: None


def quiet() -> Stage:
    return Stage(say=lambda text: None, bar=no_bar)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "run"


@pytest.fixture(scope="module")
def report(folder: Path) -> DemoReport:
    settings = DemoSettings(
        folder=folder,
        preset="tiny",
        training_rows=4_000,
        deep_rows=4_000,
        distilled_rows=2_000,
        requests_per_second=60.0,
        requests_per_step=300,
    )
    return run_demo(settings, quiet())


@pytest.mark.timeout(600)
def test_no_request_is_lost_but_the_bad_versions_own(report: DemoReport) -> None:
    assert report.requests.sent > 1_500
    assert report.requests.failed == 0
    assert report.requests.failed_by_bad_version > 0


def test_the_good_version_is_promoted_and_the_bad_one_rolled_back(report: DemoReport, folder: Path) -> None:
    assert (report.rollout.promoted, report.rollout.rolled_back) == ("v2", "v3")
    text = (folder / "releases/stacks/releases/dev/online-model.yaml").read_text()
    assert report.versions["v3"] in text.split("rejected:")[1]
    assert report.versions["v2"] in text.split("stable:")[1].split("candidate:")[0]


def test_traffic_splits_as_the_file_says(report: DemoReport) -> None:
    assert set(report.split.expected) == {"v2 at 10 %", "v2 at 50 %", "v3 at 10 %"}
    for step, share in report.split.expected.items():
        count = report.split.requests[step]
        hits = round(report.split.observed[step] * count)
        assert binomtest(hits, count, share).pvalue > 1e-6, (step, hits, count)


def test_embeddings_are_refreshed_and_foreign_ones_refused(report: DemoReport) -> None:
    assert report.refresh.foreign_refused
    assert report.refresh.failed == 0
    assert report.refresh.seconds > 0


def test_the_small_model_is_small_and_every_score_is_one(report: DemoReport) -> None:
    assert report.parameters.distilled * 10 <= report.parameters.deep
    assert all(0 < value < 1 for value in report.auroc.model_dump().values())


def test_files_are_written_and_nothing_is_left_running(report: DemoReport, folder: Path) -> None:
    assert DemoReport.model_validate(json.loads((folder / "report.json").read_text())) == report
    assert (folder / "report.html").read_text().count("<svg") >= 6
    left = [p for p in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(p.info["cmdline"] or [])]
    assert left == []


def test_a_query_without_yes_or_no_is_refused_before_training(tmp_path: Path) -> None:
    query = "PREDICT SUM(transactions.price, 0, 30, days) FOR EACH customers.customer_id"
    settings = DemoSettings(folder=tmp_path / "run", preset="tiny", query=query)
    with pytest.raises(UserError, match="needs a yes-or-no query"):
        run_demo(settings, quiet())
    assert not (tmp_path / "run" / "deep").exists()
