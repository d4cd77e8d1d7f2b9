"""Creates and deletes what a stack declares as an engine would: in its order, waiting for what the server does."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.api import Api, Key, Object, key_of
from tests.cluster.charts import chart_folder, render, unknown_values
from tests.cluster.declared import Declared, DeclaredObject, Release
from tests.cluster.workloads import check_pod
from tests.serving.waiting import wait_for

GONE_SECONDS = 60
DRY_RUN_KINDS = {
    "CustomResourceDefinition": "the tier has installed it already",
    "ValidatingWebhookConfiguration": "no pod answers it here, so it would refuse what comes after",
    "MutatingWebhookConfiguration": "no pod answers it here, so it would refuse what comes after",
    "APIService": "no pod answers it here, so discovery and namespaces would wait for it",
}
"""Kinds of a chart that the server checks but does not keep -> why."""


@dataclass(kw_only=True, slots=True)
class Created:
    """What was put on the server, in order."""

    keys: list[Key] = field(default_factory=list)
    rendered: list[str] = field(default_factory=list)
    """Charts that were rendered and applied."""
    not_rendered: list[str] = field(default_factory=list)
    """Charts that could not be had."""


def create(api: Api, items: Iterable[Declared], scratch: Path) -> Created:
    """Apply everything. Raises `RefusedError` with the object's name and the server's words."""
    created = Created()
    for item in items:
        match item:
            case DeclaredObject():
                _apply(api, item.content, created)
            case Release():
                _install(api, item, created, scratch)
    return created


def delete(api: Api, created: Created) -> None:
    """Delete everything in reverse order, each gone before the next; fails where one stays."""
    for key in reversed(created.keys):
        api.delete(key)
        wait_for(lambda key=key: api.read(key) is None, within_s=GONE_SECONDS, what=f"{key} being gone")  # type: ignore[misc]


def _install(api: Api, release: Release, created: Created, scratch: Path) -> None:
    folder = chart_folder(release)
    if folder is None:
        created.not_rendered.append(release.chart)
        return
    unknown = unknown_values(release.values, folder)
    assert not unknown, f"{release.resource}: the chart {release.chart} knows no value {', '.join(unknown)}"
    for obj in render(release, folder, api, scratch):
        _apply(api, obj, created, dry_run=obj["kind"] in DRY_RUN_KINDS)
    created.rendered.append(release.chart)


def _apply(api: Api, obj: Object, created: Created, *, dry_run: bool = False) -> None:
    key = _complete(api, key_of(obj))
    api.apply(obj, dry_run=dry_run)
    if dry_run:
        return
    created.keys.append(key)
    if key.kind == "Namespace":
        _wait_for_namespace(api, key.name)
    check_pod(api, obj, key.namespace)


def _complete(api: Api, key: Key) -> Key:
    """Namespaced objects without a namespace go to `default`."""
    namespaced = api.kind(key.api_version, key.kind).namespaced
    return Key(key.api_version, key.kind, key.namespace or "default" if namespaced else "", key.name)


def _wait_for_namespace(api: Api, name: str) -> None:
    """Until pods can be made in it."""
    wait_for(lambda: api.find("v1", "ServiceAccount", name, "default") is not None, what=f"namespace {name}")


def leftovers(api: Api, before: set[Key]) -> Iterator[str]:
    """What is on the server that was not there before."""
    return (str(key) for key in sorted(api.everything() - before))
