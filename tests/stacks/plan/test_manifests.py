"""One file an object, in creation order, the same on every run, and without secrets."""

from pathlib import Path

import pytest
import yaml

from model.errors import UserError
from stacks.capture.resource import Resource
from stacks.capture.run import Capture
from stacks.capture.values import Secret
from stacks.plan.manifests import is_object, manifests, write_manifests
from stacks.programs import known_stacks
from tests.stacks.bill.samples import resource
from tests.stacks.plan.shipped import planned


@pytest.mark.parametrize("stack", known_stacks())
def test_every_object_is_written_once_and_can_be_read(stack: str, tmp_path: Path) -> None:
    captured = planned(stack).capture
    paths = write_manifests(captured, tmp_path / "out")
    assert len(paths) == sum(is_object(found) for found in captured.resources) > 0
    assert sorted(paths) == list(paths)
    for path in paths:
        body = yaml.safe_load(path.read_text())
        assert list(body)[:3] == ["apiVersion", "kind", "metadata"]
        assert body["metadata"]["name"]


@pytest.mark.parametrize("stack", known_stacks())
def test_an_object_comes_after_what_it_waits_for(stack: str) -> None:
    captured = planned(stack).capture
    place = {manifest.urn: position for position, manifest in enumerate(manifests(captured))}
    for urn in place:
        for needed in captured[urn].depends_on & place.keys():
            assert place[needed] < place[urn]


def _capture(*resources: Resource) -> Capture:
    return Capture(resources=resources, outputs={})


def _secret() -> Resource:
    return resource(
        "kubernetes:core/v1:Secret",
        "s",
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "s", "namespace": "n"},
            "stringData": {"token": Secret("hush")},
            "data": Secret({"key": "aHVzaA=="}),
        },
    )


def test_secrets_are_masked_in_a_form_that_the_api_takes() -> None:
    (manifest,) = manifests(_capture(_secret()))
    assert "hush" not in manifest.text
    assert "aHVzaA" not in manifest.text
    assert yaml.safe_load(manifest.text)["data"] == {"key": "bWFza2Vk"}
    assert manifest.file_name == "001-secret-n-s.yaml"


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UserError, match="not empty"):
        write_manifests(_capture(_secret()), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
