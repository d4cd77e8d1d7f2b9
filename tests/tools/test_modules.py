"""The pinned modules are those that the platform installs, and nothing else is taken for them."""

import json
from pathlib import Path

import pytest

from infra import versions
from model.errors import UserError
from tools import modules

SAME = {
    "istio.io/api": versions.ISTIO_BASE.version,
    "sigs.k8s.io/gateway-api": versions.GATEWAY_API.version,
    "github.com/aws/karpenter-provider-aws": versions.KARPENTER.version,
    "sigs.k8s.io/karpenter": versions.KARPENTER.version,
    "github.com/cert-manager/cert-manager": versions.CERT_MANAGER.version,
    "github.com/kedacore/keda/v2": versions.KEDA.version,
    "github.com/kserve/kserve": versions.KSERVE_CRD.version,
}
OTHER = {
    "sigs.k8s.io/kwok": "only the cluster tests run it",
    "istio.io/istio": "the module proxy has no release 1.30: the repository's tags are no Go versions",
    "github.com/prometheus-operator/prometheus-operator": "the chart has a version of its own",
    "github.com/pulumi/pulumi-kubernetes-operator": "the module proxy has no release 2",
}


@pytest.mark.parametrize("path", sorted(SAME))
def test_a_module_is_of_the_version_that_the_platform_installs(path: str) -> None:
    assert modules.pinned_modules()[path][0].removeprefix("v") == SAME[path].removeprefix("v")


def test_every_module_is_either_of_that_version_or_has_a_reason() -> None:
    assert set(modules.pinned_modules()) == SAME.keys() | OTHER.keys()


def fake_go(folder: Path, answer: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "go"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(answer)}\nEND\n")
    program.chmod(0o755)
    monkeypatch.setattr(modules, "go_command", lambda: program)
    modules.module_folder.cache_clear()


def test_files_with_another_digest_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(tmp_path, {"Dir": str(tmp_path), "Sum": "h1:other"}, monkeypatch)
    with pytest.raises(UserError, match=r"istio.io/api@v1.30.3 has the digest h1:other; .* pins h1:"):
        modules.module_folder("istio.io/api")


def test_a_module_that_cannot_be_had_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(tmp_path, {"Error": "403 Forbidden"}, monkeypatch)
    with pytest.raises(UserError, match=r"cannot download .*istio.io/api@v1.30.3:\n403(.|\n)*hint: "):
        modules.module_folder("istio.io/api")
