"""All protocols into one report: stable names, skipped folders by name, tables with a signal off."""

import json
from datetime import date
from pathlib import Path

import pytest

from model.errors import UserError
from model.protocol.protocol import FolderTables
from model.protocol.report import Report
from model.protocol.reproduce import REPORT_FILE, TABLES_FILE, Reproduction, read_protocols, reproduce
from model.run_folder import RunFolder
from scripts.model_figures import PAGE, written
from tests.model.protocol.samples import protocol

SHOP = protocol(models=["lightgbm_entity"], compare=[], regimes=["rolling"], seeds=1)
ABSENT = protocol(data_set="elsewhere", tables=FolderTables(folder="not-here"), models=["deep"], compare=[])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reproduce")
    reproduce([ABSENT, SHOP], folder, RunFolder(folder), Reproduction(seeds=2))
    return folder


def test_names_are_stable(run: Path) -> None:
    found = json.loads((run / REPORT_FILE).read_text())
    quality = found["results"]["shop"]["churn"]["lightgbm_entity"]
    assert set(quality) == {"mean", "low", "high", "seeds"}
    assert len(quality["seeds"]) == 2
    assert set(found) == set(Report.model_fields)
    assert set(found["without"]["shop"]["churn"]) == {"life_cycle", "seasons", "promotions", "fashion", "heat"}
    assert found["skipped"] == [{"protocol": "elsewhere-churn", "reason": "no folder `not-here`"}]
    assert found["machine"]["cores"] >= 1


def test_the_page_takes_the_tables(run: Path) -> None:
    report = Report.model_validate_json((run / REPORT_FILE).read_text())
    tables = (run / TABLES_FILE).read_text()
    page = written(PAGE.read_text(), report, tables, date(2026, 11, 29))
    assert "| lightgbm entity |" in page
    assert "Skipped: `elsewhere-churn`" in page
    assert written(page, report, tables, date(2026, 11, 29)) == page
    without = [line for line in tables.splitlines() if line.startswith(("| heat |", "| life cycle |"))]
    assert len(without) == 2


def test_models_that_a_protocol_does_not_have_leave_it_out(tmp_path: Path) -> None:
    report = reproduce([SHOP], None, RunFolder(tmp_path), Reproduction(models=("repeat",), signal_seeds=0))
    assert (report.results, report.skipped) == ({}, ())


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no protocol in"):
        read_protocols(tmp_path)
