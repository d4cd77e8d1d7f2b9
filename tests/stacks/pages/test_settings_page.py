"""docs/settings.md is what the types say."""

from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from stacks.pages.__main__ import DOCS
from stacks.pages.settings_page import _models, settings_page
from stacks.releases_settings import ReleasesSettings
from stacks.settings.secret_settings import SECRETS
from stacks.settings.settings import Settings
from stacks.tiers import TABLE


def _fields(model: type[BaseModel], path: str) -> Iterator[tuple[str, str | None]]:
    for name, field in model.model_fields.items():
        yield f"{path}{name}", field.description
        for inner in _models(field.annotation):
            yield from _fields(inner, f"{path}{name}.")


EVERY = [*_fields(Settings, ""), *_fields(ReleasesSettings, "releases.")]


def test_the_page_is_up_to_date() -> None:
    assert (DOCS / "settings.md").read_text() == settings_page(), "run `make docs`"


@pytest.mark.parametrize(("path", "description"), EVERY)
def test_every_setting_has_a_description_and_is_on_the_page(path: str, description: str | None) -> None:
    assert description
    assert description.endswith(".")
    page = settings_page()
    top = "." not in path
    tagged = path.endswith((".capacity.kind", ".certificate.kind", ".access.kind"))
    assert tagged or (f"`{path}`" in page or f":{path}`" in page if top else f"`{path}`" in page)


def test_defaults_of_every_tier_are_on_the_page() -> None:
    page = settings_page()
    assert "`2` / `3` / `3`" in page
    assert all(f"`{row.path}`" in page for row in TABLE)


def test_secrets_are_on_the_page() -> None:
    assert all(f"`stillhouse:{name}`" in settings_page() for name in SECRETS)
