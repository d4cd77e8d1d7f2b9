"""Every object of every shipped environment passes the scanner, apart from what the allow list gives a reason for."""

from pathlib import Path

import pytest

from stacks.programs import RELEASES_SUFFIX, known_stacks
from stacks.scan.allowed import read_allowed, sift
from stacks.scan.checkov import Scan
from stacks.scan.environment import scan_environment, write_environment

ENVIRONMENTS = [stack for stack in known_stacks() if not stack.endswith(RELEASES_SUFFIX)]


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scan]:
    """Each environment's objects, and what the scanner says."""
    return {name: scan_environment(name, tmp_path_factory.mktemp(name)) for name in ENVIRONMENTS}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_is_refused(scans: dict[str, Scan], environment: str) -> None:
    assert sift(scans[environment].failures, read_allowed()).refused == ()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_scanner_read_what_was_declared(scans: dict[str, Scan], environment: str) -> None:
    assert scans[environment].num_resources > 50
    assert scans[environment].num_passed > 50


def test_every_entry_of_the_allow_list_is_still_needed(scans: dict[str, Scan]) -> None:
    failures = [failure for scan in scans.values() for failure in scan.failures]
    assert sift(failures, read_allowed()).unused == ()


def test_what_kserve_deploys_is_among_the_files(tmp_path: Path) -> None:
    write_environment(ENVIRONMENTS[0], tmp_path)
    assert list((tmp_path / "kserve").glob("*-predictor.yaml"))
