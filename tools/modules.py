"""Unpacked folders of the Go modules whose files the cluster tests read (CRDs, charts), pinned by `modules.sum`."""

import json
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from model.errors import UserError
from tools.folders import ROOT
from tools.go import go_command, go_environment

MODULES_SUM = ROOT / "tools/modules.sum"
"""Lines `path version h1:digest`, as in a go.sum."""


def pinned_modules() -> dict[str, tuple[str, str]]:
    """Module path -> (version, `h1:` digest of its files)."""
    lines = [line.split() for line in MODULES_SUM.read_text().splitlines() if line.strip()]
    return {path: (version, digest) for path, version, digest in lines}


@cache
def module_folder(path: str) -> Path:
    """Where Go keeps the unpacked module; downloads it the first time. Raises `UserError`."""
    version, expected = pinned_modules()[path]
    # Outside any module, so that only this one is downloaded and not what it requires. The digest is compared below
    # with the pinned one, as Go does with a go.sum; there is no need to ask a checksum server too.
    with tempfile.TemporaryDirectory() as outside:
        done = subprocess.run(
            [str(go_command()), "mod", "download", "-json", f"{path}@{version}"],
            cwd=outside,
            env={**go_environment(), "GONOSUMDB": "*"},
            capture_output=True,
            text=True,
        )
    answer = json.loads(done.stdout) if done.stdout.strip() else {"Error": done.stderr}
    if "Error" in answer:
        raise UserError(
            f"cannot download the Go module {path}@{version}:\n{answer['Error'].strip()}",
            hint="let Go reach its module proxy (`go env GOPROXY`), then run it again",
        )
    if answer["Sum"] != expected:
        raise UserError(
            f"{path}@{version} has the digest {answer['Sum']}; tools/modules.sum pins {expected}",
            hint="do not use these files; find out who changed the module before you change the pin",
        )
    return Path(answer["Dir"])
