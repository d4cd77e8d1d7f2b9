"""The allow list: its form, and what it covers."""

from pathlib import Path

import pytest

from model.errors import UserError
from stacks.scan.allowed import Allowed, read_allowed, sift
from stacks.scan.checkov import Failure

REASON = "because it was looked into and is so"
LIMIT = Failure(check="CKV_K8S_11", resource="Deployment.models.a", sentence="CPU limits should be set")
ROOT = Failure(check="CKV_K8S_23", resource="Deployment.models.a", sentence="Minimize root containers")


def test_an_entry_covers_its_check_on_its_objects_only() -> None:
    entry = Allowed(check="CKV_K8S_11", resource="Deployment.*", reason=REASON)
    idle = Allowed(check="CKV_K8S_11", resource="Pod.*", reason=REASON)
    sifted = sift([LIMIT, ROOT], [entry, idle])
    assert sifted.refused == (ROOT,)
    assert sifted.unused == (idle,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- {check: CKV_K8S_11, resource: Pod.x}", "reason"),
        ("- {check: CKV_K8S_11, resource: Pod.x, reason: short}", "reason"),
        (f"- {{check: all, resource: Pod.x, reason: {REASON}}}", "check"),
        (f"- {{check: CKV_K8S_11, resource: Pod.x, reason: {REASON}, until: 2027}}", "until"),
        ("- {", "expected"),
    ],
)
def test_an_entry_of_another_form_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "allowed.yaml").write_text(text)
    with pytest.raises(UserError, match=words):
        read_allowed(tmp_path / "allowed.yaml")
