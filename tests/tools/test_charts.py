"""Where charts come from."""

from pathlib import Path

import pytest

from infra.versions import CHARTS
from tools import modules
from tools.charts import MODULE_CHARTS, chart_folder, wanted


def test_every_chart_of_a_module_is_one_that_the_platform_installs() -> None:
    assert MODULE_CHARTS.keys() <= CHARTS.keys()
    assert {chart.module for chart in MODULE_CHARTS.values()} <= modules.pinned_modules().keys()


@pytest.mark.parametrize("name", sorted(MODULE_CHARTS))
def test_a_modules_chart_is_of_the_installed_version_or_says_why_not(name: str) -> None:
    version, _ = modules.pinned_modules()[MODULE_CHARTS[name].module]
    is_same = version.removeprefix("v") == CHARTS[name].version.removeprefix("v")
    assert is_same != bool(MODULE_CHARTS[name].other_version)


def test_what_no_module_holds_is_pulled() -> None:
    names = {chart.name for chart in wanted()}
    assert {"kube-prometheus-stack", "istiod"} <= names
    assert names.isdisjoint({"cert-manager", "karpenter"})


def test_a_pulled_chart_comes_first(tmp_path: Path) -> None:
    assert chart_folder("keda", "1", tmp_path) is None
    folder = tmp_path / "keda-1"
    folder.mkdir()
    (folder / "Chart.yaml").write_text("name: keda")
    assert chart_folder("keda", "1", tmp_path) == folder
    assert chart_folder("keda", "2", tmp_path) is None
