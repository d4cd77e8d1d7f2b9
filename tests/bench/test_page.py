"""The page and the document show what the report says, and the document keeps the rest."""

from pathlib import Path

from bench.figures import filled, filled_short
from bench.page import write_page
from tests.bench.test_report import sample


def test_the_page_stands_alone(tmp_path: Path) -> None:
    text = write_page(sample(), tmp_path).read_text()
    assert "<svg" in text
    assert "a machine, 2 cores" in text
    assert "fastapi" in text
    assert "<link" not in text
    assert "<script" not in text


def test_figures_replace_what_stood_between_the_marks() -> None:
    document = "before\n<!-- bench figures: made -->\nold\n<!-- /bench figures -->\nafter\n"
    text = filled(document, sample())
    assert "old" not in text
    assert "ratio to the best peer (fastapi): 4.00" in text
    assert text.startswith("before\n")
    assert text.endswith("<!-- /bench figures -->\nafter\n")
    assert filled(text, sample()) == text


def test_the_readme_shows_rates_and_ratios_alone() -> None:
    document = "before\n<!-- bench figures: made -->\nold\n<!-- /bench figures -->\nafter\n"
    text = filled_short(document, sample())
    assert "old" not in text
    assert "ratio to the best peer (fastapi): 4.00" in text
    assert "2026-11-29 06:37 UTC" in text
    assert "processor us a request" not in text
    assert text.endswith("<!-- /bench figures -->\nafter\n")
