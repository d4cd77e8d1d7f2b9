"""Which programs are built, from what, and when again."""

import shutil
from pathlib import Path

import pytest

from infra.versions import KUBERNETES
from model.errors import UserError
from tools.build import Program, build, digest, linker_flags, programs, tool_packages, wanted
from tools.folders import PROGRAMS


def test_every_folder_gives_its_programs() -> None:
    assert set(programs()) >= {
        "etcd",
        "helm",
        "karpenter",
        "keda",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kwok",
    }
    assert {program.folder for program in programs().values()} == set(PROGRAMS.values())


def test_prometheus_is_built_only_when_it_is_named() -> None:
    assert {"prometheus", "promtool"} <= set(programs())
    assert {program.folder for program in wanted([])} == set(PROGRAMS.values()) - {PROGRAMS["prometheus"]}
    assert [program.name for program in wanted(["promtool", "prometheus"])] == ["promtool", "prometheus"]
    with pytest.raises(UserError, match=r"no program prometeus(.|\n)*hint: there are .*prometheus"):
        wanted(["prometeus"])


def test_the_control_plane_is_of_the_minor_that_the_platform_runs() -> None:
    flags = linker_flags((PROGRAMS["kubernetes"] / "go.mod").read_text())
    assert f"gitVersion=v{KUBERNETES}." in flags


@pytest.mark.parametrize(
    ("go_mod", "packages"),
    [
        ("module a\n\ntool b.c/d/cmd/e\n", ["b.c/d/cmd/e"]),
        ("module a\n\ntool (\n\tb.c/d\n\tb.c/e\n)\n\nrequire (\n\tx.y/z v1\n)\n", ["b.c/d", "b.c/e"]),
        ("module a\n", []),
    ],
)
def test_tool_lines_are_read(go_mod: str, packages: list[str]) -> None:
    assert tool_packages(go_mod) == packages


def test_a_changed_pin_changes_the_digest(tmp_path: Path) -> None:
    for name in ("go.mod", "go.sum"):
        shutil.copy(PROGRAMS["etcd"] / name, tmp_path)
    before = digest(tmp_path)
    assert before == digest(PROGRAMS["etcd"])
    (tmp_path / "go.sum").write_text("")
    assert digest(tmp_path) != before


def test_a_build_that_fails_says_why_and_what_to_do(tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho 'dial tcp: no route to host' >&2\nexit 1\n")
    go.chmod(0o755)
    (tmp_path / "go.mod").write_text("module a\n")
    with pytest.raises(UserError, match=r"cannot build a from b.c/a:\ndial tcp(.|\n)*hint: .*GOPROXY"):
        build(Program(name="a", package="b.c/a", folder=tmp_path), go)
