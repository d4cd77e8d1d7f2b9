"""Charts are pulled from a repository as Helm serves it; here one on the loopback."""

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra.versions import KEDA, Chart
from model.errors import UserError
from tests.cluster.control_plane import program_path
from tools.charts import chart_folder, pull

pytestmark = pytest.mark.cluster


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[str]:
    """Holds the chart `keda` in version 1.2.3."""
    source, served = tmp_path / "keda", tmp_path / "served"
    source.mkdir()
    served.mkdir()
    (source / "Chart.yaml").write_text("apiVersion: v2\nname: keda\nversion: 1.2.3\n")
    (source / "values.yaml").write_text("replicas: 1\n")
    helm = str(program_path("helm"))
    subprocess.run([helm, "package", str(source), "--destination", str(served)], check=True, capture_output=True)
    subprocess.run([helm, "repo", "index", str(served)], check=True, capture_output=True)
    handler = partial(SimpleHTTPRequestHandler, directory=str(served))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def chart(repository: str, version: str) -> Chart:
    return replace(KEDA, repository=repository, version=version)


def test_a_chart_is_pulled_once(repository: str, tmp_path: Path) -> None:
    pulled = tmp_path / "charts"
    folder = pull(chart(repository, "1.2.3"), pulled)
    assert (folder / "values.yaml").read_text() == "replicas: 1\n"
    assert chart_folder("keda", "1.2.3", pulled) == folder
    assert [path.name for path in pulled.iterdir()] == ["keda-1.2.3"]
    assert pull(chart("http://127.0.0.1:1", "1.2.3"), pulled) == folder


@pytest.mark.parametrize(("port", "version"), [(None, "9.9.9"), (1, "1.2.3")])
def test_a_chart_that_cannot_be_had_is_told(repository: str, tmp_path: Path, port: int | None, version: str) -> None:
    place = repository if port is None else f"http://127.0.0.1:{port}"
    with pytest.raises(UserError, match=rf"cannot pull the chart keda {version} from {place}:\n(.|\n)*hint: "):
        pull(chart(place, version), tmp_path / "charts")
