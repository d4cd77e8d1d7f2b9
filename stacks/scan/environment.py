"""An environment's two stacks -> one folder of YAML with all objects that they declare -> the scanner's word."""

from pathlib import Path
from typing import Any

import yaml

from stacks.plan.manifests import manifests, write_manifests
from stacks.plan.plan import make_plan
from stacks.programs import RELEASES_SUFFIX
from stacks.scan.checkov import Scan, scan
from stacks.scan.deployed import deployments


def write_environment(environment: str, folder: Path) -> None:
    """Write the platform's and the releases' objects, and the Deployments that KServe makes of them."""
    bodies: list[Any] = []
    for stack in (environment, f"{environment}{RELEASES_SUFFIX}"):
        captured = make_plan(stack).capture
        write_manifests(captured, folder / stack)
        bodies += [manifest.body for manifest in manifests(captured)]
    (folder / "kserve").mkdir()
    for deployment in deployments(bodies):
        text = yaml.safe_dump(deployment, sort_keys=False)
        (folder / "kserve" / f"{deployment['metadata']['name']}.yaml").write_text(text)


def scan_environment(environment: str, folder: Path) -> Scan:
    """Write an environment's objects beneath a new folder and scan them."""
    write_environment(environment, folder)
    return scan(folder)
