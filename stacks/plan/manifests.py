"""The Kubernetes objects of a captured program as YAML: one file an object, in the order in which they are created.

Values that AWS chooses (ARNs, ids) are examples; secrets are masked.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from infra.policies.judged import Unknown
from model.errors import UserError
from stacks.capture.resource import Resource
from stacks.capture.run import Capture
from stacks.capture.values import Secret, Value

MASK = "masked"
_NOT_OBJECTS = ("kubernetes:helm.sh/", "kubernetes:yaml")


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """One object."""

    file_name: str
    urn: str
    body: Mapping[str, object]

    @property
    def text(self) -> str:
        """YAML, with the keys in the order in which people write them."""
        return yaml.safe_dump(_ordered(self.body), sort_keys=False, width=120)


def manifests(capture: Capture) -> tuple[Manifest, ...]:
    """Every object that the program declares itself, in the capture's order; what charts make is theirs."""
    objects = [resource for resource in capture.resources if is_object(resource)]
    return tuple(_manifest(position, resource) for position, resource in enumerate(objects, start=1))


def is_object(resource: Resource) -> bool:
    """Whether a resource is one Kubernetes object: no chart, no group of YAML, no provider."""
    return (
        resource.custom
        and not resource.read
        and resource.type.startswith("kubernetes:")
        and not resource.type.startswith(_NOT_OBJECTS)
    )


def write_manifests(capture: Capture, folder: Path) -> tuple[Path, ...]:
    """Write each object to a file of its own; the folder must be new or empty.

    Raises:
        UserError: the folder holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"`{folder}` is not empty", hint="name a folder that does not exist yet")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for manifest in manifests(capture):
        path = folder / manifest.file_name
        path.write_text(manifest.text)
        written.append(path)
    return tuple(written)


def _manifest(position: int, resource: Resource) -> Manifest:
    body = {key: _plain(value, in_data=key == "data") for key, value in resource.inputs.items()}
    metadata = body.get("metadata")
    name = metadata.get("name", resource.name) if isinstance(metadata, Mapping) else resource.name
    namespace = metadata.get("namespace") if isinstance(metadata, Mapping) else None
    parts = [f"{position:03d}", str(body.get("kind", "")).lower(), *([str(namespace)] if namespace else []), str(name)]
    return Manifest(file_name="-".join(parts).replace("/", "-") + ".yaml", urn=resource.urn, body=body)


def _plain(value: Value, *, in_data: bool) -> object:
    """YAML can hold it; `data` of a Secret wants base64."""
    if isinstance(value, Secret):
        return _masked(value.value, in_data=in_data)
    if isinstance(value, Unknown):
        return "unknown"
    if isinstance(value, Mapping):
        return {key: _plain(inner, in_data=in_data) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, in_data=in_data) for inner in value]
    return value


def _masked(value: Value, *, in_data: bool) -> object:
    if isinstance(value, Mapping):
        return {key: _masked(inner, in_data=in_data) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner, in_data=in_data) for inner in value]
    return base64.b64encode(MASK.encode()).decode() if in_data else MASK


def _ordered(body: Mapping[str, object]) -> dict[str, object]:
    first = [key for key in ("apiVersion", "kind", "metadata", "name", "namespace") if key in body]
    return {key: _inner(body[key]) for key in [*first, *sorted(body.keys() - set(first))]}


def _inner(value: object) -> object:
    if isinstance(value, Mapping):
        return _ordered(value)
    return [_inner(one) for one in value] if isinstance(value, list) else value
