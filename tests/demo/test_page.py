"""The page: self-contained, complete, and honest about what the report says."""

import re

from demo.page import render_page
from tests.demo.samples import sample_report, sample_rollout, sample_scores


def page() -> str:
    return render_page(sample_report(), sample_scores(), sample_rollout(), ["release(shop): canary v2 at 10 %"])


def test_page_fetches_nothing() -> None:
    text = re.sub(r'xmlns(:\w+)?="[^"]+"', "", page())
    assert "<svg" in text
    assert not re.search(r'(src|href)="(?!#)', text)
    assert "@import" not in text


def test_page_shows_every_step_and_version() -> None:
    text = page()
    for words in ("v2 at 10 %", "v3 rolled back", "release(shop): canary v2 at 10 %", "111111111111", "0.735", "97 %"):
        assert words in text


def test_markup_in_a_query_is_escaped() -> None:
    report = sample_report().model_copy(update={"query": "PREDICT COUNT(t.*, 0, 30, days) < 2 <script>"})
    text = render_page(report, sample_scores(), sample_rollout(), [])
    assert "<script>" not in text
    assert "&lt; 2 &lt;script&gt;" in text
