"""Unpacked charts: those of pinned Go modules, and those that `python -m tools.charts` pulls from repositories."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from infra.versions import CHARTS, Chart
from model.errors import UserError
from tools.build import programs
from tools.folders import TOOLS
from tools.modules import module_folder

PULLED = TOOLS / "charts"
"""A folder `<name>-<version>` a chart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModuleChart:
    """A chart in a Go module."""

    module: str
    folder: str
    other_version: str = ""
    """Why the module's version is not the one that the platform installs; empty where it is."""


_ISTIO_REASON = "the module proxy has no release 1.30 of istio.io/istio, whose tags are no Go versions"


def _istio(folder: str) -> ModuleChart:
    return ModuleChart(module="istio.io/istio", folder=f"manifests/charts/{folder}", other_version=_ISTIO_REASON)


def _kserve(name: str) -> ModuleChart:
    return ModuleChart(module="github.com/kserve/kserve", folder=f"charts/{name}")


def _karpenter(name: str) -> ModuleChart:
    return ModuleChart(module="github.com/aws/karpenter-provider-aws", folder=f"charts/{name}")


MODULE_CHARTS = {
    "base": _istio("base"),
    "istiod": _istio("istio-control/istio-discovery"),
    "cni": _istio("istio-cni"),
    "gateway": _istio("gateway"),
    "kserve-crd": _kserve("kserve-crd"),
    "kserve-resources": _kserve("kserve-resources"),
    "karpenter-crd": _karpenter("karpenter-crd"),
    "karpenter": _karpenter("karpenter"),
    "cert-manager": ModuleChart(module="github.com/cert-manager/cert-manager", folder="deploy/charts/cert-manager"),
}
"""Name of the chart -> where it lies."""


def chart_folder(name: str, version: str, pulled: Path = PULLED) -> Path | None:
    """The unpacked chart, a pulled one before a module's; None where there is neither."""
    folder = pulled / f"{name}-{version}"
    if (folder / "Chart.yaml").exists():
        return folder
    chart = MODULE_CHARTS.get(name)
    return module_folder(chart.module) / chart.folder if chart else None


def wanted() -> list[Chart]:
    """Charts that are to be pulled: no module holds them in the version that the platform installs."""
    return [chart for name, chart in CHARTS.items() if name not in MODULE_CHARTS or MODULE_CHARTS[name].other_version]


def pull(chart: Chart, pulled: Path = PULLED) -> Path:
    """Fetch one chart from its repository, unless it is there. Raises `UserError` with Helm's words."""
    folder = pulled / f"{chart.name}-{chart.version}"
    if folder.exists():
        return folder
    pulled.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=pulled) as scratch:
        place = [] if chart.is_oci else ["--repo", chart.repository]
        command = [str(programs()["helm"].path), "pull", chart.reference, "--version", chart.version, *place]
        done = subprocess.run([*command, "--untar", "--untardir", scratch], capture_output=True, text=True)
        if done.returncode:
            raise UserError(
                f"cannot pull the chart {chart.name} {chart.version} from {chart.repository}:\n{done.stderr.strip()}",
                hint="the cluster tests also run without it, and say which charts they could not render",
            )
        (Path(scratch) / chart.name).rename(folder)
    return folder


def main() -> int:
    """Pull what is wanted; 1 with an error and a hint where a repository is out of reach."""
    try:
        for chart in wanted():
            print(pull(chart).name)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
