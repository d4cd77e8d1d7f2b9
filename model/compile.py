"""The C sources in `model/engine` -> the library that Triton loads as a backend, by the pinned compiler in `.zig`.

`python -m model.compile` builds it for this machine and prints its path; the same sources give the same bytes.
"""

import ctypes
import hashlib
import os
import platform
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from model.errors import UserError

LIBRARY = "libtriton_stillhouse.so"
"""Triton finds the backend `stillhouse` by this name in a model's version folder, before it looks anywhere else."""
BACKEND = "stillhouse"
SOURCES = Path(__file__).parent / "engine"
_ENVIRONMENT = Path(__file__).resolve().parents[1] / ".zig"
_FLAGS = ("-shared", "-fPIC", "-std=gnu11", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror")
OPTIMISED = ("-O3", "-g0", "-s")
TARGETS = {
    # Old enough a libc for every Triton image; AVX2 is in all of AWS' x86 instances since 2015.
    "x86_64": ("-target", "x86_64-linux-gnu.2.28", "-mcpu=x86_64_v3"),
    "aarch64": ("-target", "aarch64-linux-gnu.2.28"),
}


class UnsupportedModelError(Exception):
    """The engine does not know what this model needs; the message says what."""


def has_compiler() -> bool:
    """Whether `make setup` has put the compiler into `.zig`."""
    return _compiler() is not None


def engine_library(machine: str = platform.machine()) -> Path:
    """The compiled engine for `machine` (`x86_64` or `aarch64`), built where it is not there yet.

    Raises:
        UserError: no compiler, another machine, or sources that do not compile.
    """
    return backend_library(SOURCES, machine)


def backend_library(folder: Path, machine: str = platform.machine()) -> Path:
    """The library of all C sources in `folder`, which may include the engine's headers; see `engine_library`."""
    if machine not in TARGETS:
        raise UserError(f"the engine runs on {', '.join(TARGETS)} (got {machine})", hint="export with `--engine numpy`")
    return build(sorted(folder.glob("*.c")), sorted(SOURCES.glob("*.h")), (*OPTIMISED, *TARGETS[machine]), machine)


def build(sources: Sequence[Path], included: Sequence[Path], flags: Sequence[str], name: str) -> Path:
    """The library of C sources and what they include, built where these bytes were not built with these flags before.

    Raises:
        UserError: no compiler, or sources that do not compile.
    """
    compiler = _compiler()
    if compiler is None:
        raise UserError(f"no compiler in `{_ENVIRONMENT}`", hint="`make setup` installs it from requirements-zig.lock")
    command = [*_FLAGS, *flags]
    digest = hashlib.sha256("\0".join([str(compiler.stat().st_size), *command]).encode())
    for source in (*sources, *included):
        digest.update(source.read_bytes())
    library = _ENVIRONMENT / "engine" / f"{name}-{digest.hexdigest()[:16]}" / LIBRARY
    if not library.exists():
        _compile(compiler, command, sources, library)
    return library


def check_model(folder: Path, library: Path) -> None:
    """Let the engine open a model's version folder, as Triton will.

    Raises:
        UnsupportedModelError: it cannot; the numpy engine may.
    """
    check = ctypes.CDLL(str(library)).stillhouse_check
    message = ctypes.create_string_buffer(1024)
    if check(str(folder).encode(), message, ctypes.c_size_t(len(message))):
        raise UnsupportedModelError(message.value.decode(errors="replace"))


def _compiler() -> Path | None:
    found = sorted(_ENVIRONMENT.glob("lib/python3.11/site-packages/ziglang/zig"))
    return found[0] if found else None


def _compile(compiler: Path, flags: list[str], sources: Sequence[Path], library: Path) -> None:
    """Into a folder of its own, then renamed: others may be building the same."""
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent) as draft:
        built = Path(draft) / LIBRARY
        names = [source.name if source.parent == SOURCES else str(source) for source in sources]
        caches = {"ZIG_LOCAL_CACHE_DIR": draft, "ZIG_GLOBAL_CACHE_DIR": str(_ENVIRONMENT / "cache")}
        done = subprocess.run(
            [str(compiler), "cc", *flags, "-iquote", ".", "-o", str(built), *names, "-lm", "-lpthread"],
            cwd=SOURCES,
            env={**os.environ, **caches},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise UserError(f"the engine does not compile:\n{done.stderr[-2000:]}", hint="export with `--engine numpy`")
        built.replace(library)


if __name__ == "__main__":
    print(engine_library())
