"""Writes a report's figures between the marks of the documents: `python -m bench.figures runs/bench/report.json`."""

import re
import sys
from pathlib import Path

from bench.report import Report, read_report
from bench.table import summary, table
from serving.twin.paths import checkout_root

_MARKS = re.compile(r"(<!-- bench figures:[^\n]*-->\n).*?(<!-- /bench figures -->)", re.DOTALL)


def filled(document: str, report: Report) -> str:
    """The document with the report's table in place of what was there."""
    measured = "\n".join(f"- {part}: {when}" for part, when in report.measured.items())
    text = f"Printed by `make bench` on {report.machine}, which the generator, the gateway and the servers share.\n\n"
    text += f"{table(report)}\n\nWhen, and how busy the machine was at the end of each part:\n\n{measured}\n"
    return _MARKS.sub(lambda match: match[1] + text + match[2], document)


def filled_short(document: str, report: Report) -> str:
    """The same for the README: rates and ratios alone."""
    text = f"Printed by `make bench` on {report.machine} ({report.measured['endpoint']}):\n\n{summary(report)}\n"
    return _MARKS.sub(lambda match: match[1] + text + match[2], document)


def main(path: Path) -> None:
    """Fill docs/bench.md and README.md."""
    report = read_report(path.parent)
    assert report is not None, f"no report at {path}"
    root = checkout_root()
    for document, fill in ((root / "docs" / "bench.md", filled), (root / "README.md", filled_short)):
        document.write_text(fill(document.read_text(), report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
