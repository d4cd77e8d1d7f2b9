"""What a Triton is started from: a repository that is what it should be, and only what the endpoint needs."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from model.errors import UserError
from serving.release_parts import Registered
from serving.twin.paths import find_triton
from serving.twin.triton import TritonLaunch, TritonPorts, check_repository, link_backends, local_path
from tests.serving.fake_repository import MODEL_NAME, write_repository


def registered(digest: str, uri: str = "v1") -> Registered:
    return Registered(digest=digest, uri=uri, registered=datetime(2026, 1, 1, tzinfo=UTC))


def test_a_repository_is_checked_by_digest(tmp_path: Path) -> None:
    digest = write_repository(tmp_path / "v1").digest
    repository = check_repository("v1", registered(digest), tmp_path)
    assert (repository.path, repository.digest, repository.contract.model_name) == (tmp_path / "v1", digest, MODEL_NAME)
    with pytest.raises(UserError, match=r"is not what was registered as v1: the release says sha256:0+ \(got sha256:"):
        check_repository("v1", registered(f"sha256:{0:064x}"), tmp_path)
    (tmp_path / "v1/churn/config.pbtxt").write_text("")
    with pytest.raises(UserError, match="have changed since"):
        check_repository("v1", registered(digest), tmp_path)
    with pytest.raises(UserError, match="no triton_repository artifact"):
        check_repository("v2", registered(digest, "v2"), tmp_path)


def test_uris_of_this_machine_are_folders_and_others_are_refused(tmp_path: Path) -> None:
    assert local_path("runs/v1", tmp_path) == tmp_path / "runs/v1"
    assert local_path("/abs/v1", tmp_path) == Path("/abs/v1")
    assert local_path("file:///abs/a%20b", tmp_path) == Path("/abs/a b")
    with pytest.raises(UserError, match=r"serves folders of this machine \(got s3://bucket/v1\)"):
        local_path("s3://bucket/v1", tmp_path)


def test_the_process_gets_its_own_python_and_no_more_services_than_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("VIRTUAL_ENV", "/elsewhere")
    digest = write_repository(tmp_path / "v1").digest
    installation = find_triton()
    launch = TritonLaunch(
        repository=check_repository("v1", registered(digest), tmp_path),
        ports=TritonPorts(http=1, metrics=2, grpc=3),
        installation=installation,
        backends=link_backends(installation, tmp_path / "backends"),
        embeddings=tmp_path / "embeddings/v1",
        http_threads=8,
    )
    environment = launch.environment()
    assert "PYTHONPATH" not in environment
    assert "VIRTUAL_ENV" not in environment
    assert environment["PATH"].startswith(f"{installation.environment}/bin:")
    assert environment["STILLHOUSE_EMBEDDINGS"] == str(tmp_path / "embeddings/v1")
    options = dict(option.removeprefix("--").split("=", 1) for option in launch.command()[1:])
    assert (options["grpc-address"], options["model-control-mode"]) == ("127.0.0.1", "none")
    assert options["http-address"] == options["metrics-address"] == "127.0.0.1"
    assert {"libtriton_python.so", "triton_python_backend_stub"} <= {
        link.name for link in (tmp_path / "backends/python").iterdir() if link.exists()
    }
