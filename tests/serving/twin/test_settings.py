"""Settings survive the way to the supervisor."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from serving.twin.settings import TwinSettings


def test_settings_read_back_with_absolute_paths() -> None:
    settings = TwinSettings(folder=Path("a"), release_path=Path("b.yaml"), root=Path(), port=1234).absolute()
    assert settings.folder == Path.cwd() / "a"
    assert settings.triton_environment is None
    assert TwinSettings.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize("wrong", [{"port": 70000}, {"request_timeout_s": 0}, {"envoy_workers": 0}, {"unknown": 1}])
def test_values_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        TwinSettings.model_validate({"folder": "a", "release_path": "b", "root": "c", **wrong})
