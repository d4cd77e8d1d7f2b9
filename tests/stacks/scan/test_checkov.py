"""The real scanner: it finds what is bad, and says so when it cannot look."""

import copy
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from infra.policies.catalogue import RULES
from model.errors import UserError
from stacks.scan import checkov
from stacks.scan.checkov import scan
from stacks.scan.deployed import deployments
from tests.stacks.scan.test_deployed import RUNTIME, SERVICE


def test_a_privileged_predictor_is_found(tmp_path: Path) -> None:
    privileged = copy.deepcopy(RUNTIME)
    privileged["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    (deployment,) = deployments([privileged, SERVICE])
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(deployment))
    found = scan(tmp_path)
    failed = {failure.check: failure for failure in found.failures}
    assert failed["CKV_K8S_16"].resource == "Deployment.models.clicks-predictor"
    assert failed["CKV_K8S_16"].sentence == "Container should not be privileged"
    assert "CKV_K8S_13" not in failed, "the memory limit of the InferenceService was read"
    assert found.num_resources == 2, "the Deployment and its pod"
    assert found.num_passed > 0


def test_a_folder_with_nothing_in_it_has_nothing_to_say(tmp_path: Path) -> None:
    found = scan(tmp_path)
    assert (found.num_passed, found.num_resources, found.failures) == (0, 0, ())


def test_a_missing_scanner_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkov, "CHECKOV", checkov.ROOT / ".checkov" / "elsewhere")
    with pytest.raises(UserError, match="make setup"):
        scan(tmp_path)


def test_every_check_that_a_rule_cites_is_one_of_the_scanners() -> None:
    cited = {source for rule in RULES for source in rule.sources if source.startswith("CKV")}
    listed = subprocess.run([checkov.CHECKOV, "--list"], capture_output=True, text=True, check=True, timeout=120).stdout
    assert cited
    assert cited - set(re.findall(r"CKV2?_[A-Z0-9]+_[0-9]+", listed)) == set()
