"""Artifacts: written whole or not at all, replaced in one step, and refused when they are not what they say."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from model.artifact import digest_folder, read_artifact, write_artifact
from model.errors import UserError


def write(path: Path, text: str, kind: str = "deep") -> None:
    with write_artifact(path, kind=kind, parents={"graph": "sha256:0"}, settings={"width": 8}) as draft:
        (draft.path / "weights").mkdir()
        (draft.path / "weights" / "w.bin").write_text(text)
        draft.metrics["auroc"] = 0.7


def test_written_and_read_back(tmp_path: Path) -> None:
    write(tmp_path / "deep", "one")
    artifact = read_artifact(tmp_path / "deep", kind="deep", verify=True)
    assert artifact.parents == {"graph": "sha256:0"}
    assert artifact.settings == {"width": 8}
    assert artifact.metrics == {"auroc": 0.7}
    assert artifact.digest == digest_folder(tmp_path / "deep")


def test_digest_is_of_names_and_contents_only(tmp_path: Path) -> None:
    write(tmp_path / "a", "one")
    write(tmp_path / "b", "one")
    write(tmp_path / "c", "two")
    digests = [read_artifact(tmp_path / name, kind="deep").digest for name in "abc"]
    assert digests[0] == digests[1] != digests[2]


def test_replaced_in_one_step(tmp_path: Path) -> None:
    write(tmp_path / "deep", "old")
    write(tmp_path / "deep", "new")
    assert (tmp_path / "deep" / "weights" / "w.bin").read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["deep"]


def test_an_error_inside_leaves_the_old_artifact(tmp_path: Path) -> None:
    write(tmp_path / "deep", "old")

    def fail_half_way() -> None:
        with write_artifact(tmp_path / "deep", kind="deep") as draft:
            (draft.path / "w.bin").write_text("half")
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        fail_half_way()
    assert (tmp_path / "deep" / "weights" / "w.bin").read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["deep"]


HALF = """
import os, signal, sys
from pathlib import Path
from model.artifact import write_artifact
signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent in the background may have had it ignored
with write_artifact(Path(sys.argv[1]), kind="deep") as draft:
    (draft.path / "w.bin").write_text("half")
    os.kill(os.getpid(), int(sys.argv[2]))
"""


@pytest.mark.parametrize("killed_by", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_process_leaves_the_old_artifact(tmp_path: Path, killed_by: signal.Signals) -> None:
    write(tmp_path / "deep", "old")
    command = [sys.executable, "-c", HALF, str(tmp_path / "deep"), str(int(killed_by))]
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "PYTHONPATH": "."})
    assert done.returncode == -killed_by
    assert read_artifact(tmp_path / "deep", kind="deep", verify=True).settings == {"width": 8}


TOO_BIG = """
import resource, sys
from pathlib import Path
from model.artifact import write_artifact
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
with write_artifact(Path(sys.argv[1]), kind="deep") as draft:
    (draft.path / "w.bin").write_bytes(b"0" * 100_000)
"""


def test_no_room_left_is_named_and_loses_nothing(tmp_path: Path) -> None:
    """The kernel refuses the write, as it does on a full disk."""
    assert resource.RLIMIT_FSIZE
    write(tmp_path / "deep", "old")
    command = [sys.executable, "-c", TOO_BIG, str(tmp_path / "deep")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": "."})
    assert "UserError: cannot write" in done.stderr
    assert "File too large" in done.stderr
    assert (tmp_path / "deep" / "weights" / "w.bin").read_text() == "old"


def test_changed_files_are_seen(tmp_path: Path) -> None:
    write(tmp_path / "deep", "one")
    (tmp_path / "deep" / "weights" / "w.bin").write_text("tampered")
    read_artifact(tmp_path / "deep", kind="deep")
    with pytest.raises(UserError, match="have changed"):
        read_artifact(tmp_path / "deep", kind="deep", verify=True)


def test_another_kind_and_foreign_folders_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "deep", "one")
    with pytest.raises(UserError, match="holds a `deep` artifact"):
        read_artifact(tmp_path / "deep", kind="embeddings")
    with pytest.raises(UserError, match="holds deep, not"):
        write(tmp_path / "deep", "two", kind="embeddings")
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    (foreign / "chapter.txt").write_text("years of work")
    with pytest.raises(UserError, match="holds something else"):
        write(foreign, "two")
    assert (foreign / "chapter.txt").read_text() == "years of work"


def test_missing_and_broken_manifests_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no deep artifact"):
        read_artifact(tmp_path / "nothing", kind="deep")
    write(tmp_path / "deep", "one")
    (tmp_path / "deep" / "manifest.json").write_text("{")
    with pytest.raises(UserError, match="is not a manifest"):
        read_artifact(tmp_path / "deep", kind="deep")
