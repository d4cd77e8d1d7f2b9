"""Results of protocols -> `report.html`, one self-contained page, drawn as all our reports are."""

from collections.abc import Sequence
from pathlib import Path

from model.page.render import render
from model.protocol import pictures
from model.protocol.outcome import METRIC_WORDS, Result, number, this_machine
from model.protocol.report import Skipped

PAGE_FILE = "report.html"


def write_page(results: Sequence[Result], folder: Path, skipped: Sequence[Skipped] = ()) -> Path:
    """Write it below `folder`, where the machine-readable report lies."""
    path = folder / PAGE_FILE
    drawn = {result.protocol: _pictures(result) for result in results}
    path.write_text(
        render(
            Path(__file__).parent, drawn, report={"machine": this_machine()}, results=results, skipped=skipped,
            words=METRIC_WORDS, told=number,
        )
    )  # fmt: skip
    return path


def _pictures(result: Result) -> dict[str, str]:
    """Those that the protocol has something for."""
    found = {"quality": pictures.quality(result)}
    if any(regime.differences for regime in result.regimes.values()):
        found["differences"] = pictures.differences(result)
    if result.staleness:
        found["staleness"] = pictures.staleness(result)
    if result.calibration:
        found["calibration"] = pictures.calibration(result)
    return found
