"""What the demo may be asked for."""

from pathlib import Path

import pytest

from demo.settings import DemoSettings
from model.errors import UserError


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"no such preset \(got `huge`\)[\s\S]*tiny, demo, hm"):
        DemoSettings(folder=Path("runs/x"), preset="huge")


def test_a_load_without_requests_is_refused() -> None:
    with pytest.raises(UserError, match=r"must be above 0 \(got 0\)"):
        DemoSettings(folder=Path("runs/x"), requests_per_second=0)
