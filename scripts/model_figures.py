"""Writes the tables of a reproduction between docs/model.md's marks: python -m scripts.model_figures runs/model."""

import re
import sys
from datetime import date
from pathlib import Path

from model.protocol.report import Report

PAGE = Path(__file__).parent.parent / "docs" / "model.md"
MARKS = re.compile(r"(<!-- figures -->\n).*?(<!-- /figures -->)", re.DOTALL)


def written(page: str, report: Report, tables: str, day: date) -> str:
    """The page with new figures."""
    machine = report.machine
    head = f"Printed by `make reproduce-model` on {day:%Y-%m-%d}, {machine.cpu} with {machine.cores} cores.\n\n"
    assert MARKS.search(page), "docs/model.md has marks"
    return MARKS.sub(lambda match: f"{match[1]}{head}{tables.strip()}\n{match[2]}", page)


def main(run: str) -> None:
    """Read `report.json` and `report.md` of the run, and write the page."""
    report = Report.model_validate_json((Path(run) / "report.json").read_text())
    tables = (Path(run) / "report.md").read_text()
    PAGE.write_text(written(PAGE.read_text(), report, tables, date.today()))


if __name__ == "__main__":
    main(*sys.argv[1:])
