"""The README's commands on a tiny shop: the whole line by its verbs, to predictions from the running twin."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_main import stillhouse

README = Path(__file__).parents[2] / "README.md"


def readme_lines() -> list[list[str]]:
    """The commands of the README, word by word, without `stillhouse`."""
    section = README.read_text().split("## Step by step")[1].split("\n## ")[0]
    lines = [line.strip() for line in section.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("stillhouse ")]


def until(verb: list[str]) -> int:
    """How many commands there are up to the first that begins with `verb`, that one included."""
    return 1 + next(place for place, line in enumerate(readme_lines()) if line[: len(verb)] == verb)


def run(folder: Path, *arguments: str) -> dict[str, Any]:
    own = [word for word in arguments if word not in ("--run", "runs/shop")]
    done = stillhouse(*own, "--run", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("line") / "run"
    try:
        for line in readme_lines()[: until(["twin", "up"])]:
            run(path, *line)
        yield path
    finally:
        stillhouse("twin", "down", "--run", str(path))


@pytest.mark.timeout(600)
def test_check_shows_the_graph(folder: Path) -> None:
    found = run(folder, "check")
    links = {(link["child_column"], link["parent_table"]) for link in found["graph"]["links"]}
    assert links == {("customer_id", "customers"), ("article_id", "articles")}
    assert found["findings"] == []


def test_a_known_and_an_unknown_customer_get_a_score(folder: Path) -> None:
    known = run(folder, "predict", "100003")
    unknown = run(folder, "predict", "999999999")
    assert 0 < known["score"] < 1
    assert known["embedding_time"] is not None
    assert 0 < unknown["score"] < 1
    assert unknown["embedding_time"] is None
    assert known["version"] == "v1"


def test_load_is_answered(folder: Path) -> None:
    found = run(folder, "load", "--rate", "40", "--seconds", "3")
    assert found["requests"] > 60
    assert found["failures"] == 0
    assert found["requests_by_version"] == {"v1": found["requests"]}


def test_status_and_history_tell_the_story(folder: Path) -> None:
    assert run(folder, "twin", "status")["versions"][0]["weight"] == 100
    assert run(folder, "release", "status")["stable"]["version"] == "v1"
    subjects = [change["subject"] for change in run(folder, "release", "history")["changes"]]
    assert subjects == [
        "release(online-model): promote v1 as the first stable version",
        "release(online-model): register v1",
    ]


def test_labels_of_other_tables_are_refused(folder: Path, tmp_path: Path) -> None:
    assert stillhouse("generate", "--preset", "tiny", "--seed", "9", "--run", str(tmp_path)).returncode == 0
    other = str(tmp_path / "tables")
    asked = stillhouse(*readme_lines()[until(["query"]) - 1][:2], "--tables", other, "--run", str(folder))
    assert asked.returncode == 1
    assert "is not what `check` stored" in asked.stderr


def test_a_key_of_the_wrong_kind_is_a_users_error(folder: Path) -> None:
    done = stillhouse("predict", "abc", "--run", str(folder))
    assert done.returncode == 1
    assert "keys of `customers` are whole numbers (got `abc`)" in done.stderr


def test_words_for_people(folder: Path) -> None:
    """Every verb that shows something also shows it without --json."""
    for arguments, words in (
        (("check",), "transactions.customer_id"),
        (("twin", "status"), "https://localhost:"),
        (("release", "status"), "v1"),
        (("release", "history"), "promote v1"),
        (("predict", "100003"), "from v1"),
    ):
        done = stillhouse(*arguments, "--run", str(folder))
        assert done.returncode == 0, done.stderr
        assert words in done.stdout


def test_a_second_version_goes_to_a_tenth_and_back(folder: Path) -> None:
    """The rest of the README; the last test of this file, since it changes what serves."""
    lines = readme_lines()[until(["twin", "up"]) :]
    assert lines[-1][:2] == ["twin", "down"]
    documents = {" ".join(line[:2]): run(folder, *line) for line in lines[:-1]}
    assert {version["version"]: version["weight"] for version in documents["twin status"]["versions"]} == {
        "v1": 90,
        "v2": 10,
    }
    assert documents["load --rate"]["failures"] == 0
    assert documents["release rollback"]["release"]["candidate"] is None
    assert [entry["version"] for entry in documents["release rollback"]["release"]["rejected"]] == ["v2"]
    again = stillhouse("release", "canary", "v2", "--run", str(folder))
    assert again.returncode == 1
    assert "rejected" in again.stderr
