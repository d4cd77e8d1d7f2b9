"""Creates and deletes what a stack declares as an engine would: in its order, waiting for what the server does."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.cluster.api import Api, Key, Object, key_of
from tests.cluster.charts import chart_folder, render, unknown_values
from tests.cluster.control_plane import ControlPlane
from tests.cluster.declared import Declared, DeclaredObject, Release
from tests.cluster.kserve import wait_for_predictor
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

Controller = Callable[[ControlPlane, list[Object]], AbstractContextManager[None]]
"""Runs a chart's controller on a control plane, given the chart's webhook configurations."""


@dataclass(kw_only=True, slots=True)
class Created:
    """What was put on the server."""

    steps: list[Key | ExitStack] = field(default_factory=list)
    """In order: objects, and controllers that run from then on."""
    rendered: list[str] = field(default_factory=list)
    """Charts that were rendered and applied."""
    not_rendered: list[str] = field(default_factory=list)
    """Charts that could not be had."""

    @property
    def keys(self) -> list[Key]:
        """The objects, in order."""
        return [step for step in self.steps if isinstance(step, Key)]


@contextmanager
def created(
    plane: ControlPlane, items: Iterable[Declared], controllers: Mapping[str, Controller] | None = None
) -> Iterator[Created]:
    """Apply everything. Raises `RefusedError` with the object's name and the server's words.

    Args:
        plane: where.
        items: what, in order of creation.
        controllers: chart -> its controller, which runs while the chart is there, and never longer than the block.
    """
    made = Created()
    with ExitStack() as at_the_end:
        for item in items:
            match item:
                case DeclaredObject():
                    _apply(plane.api, item.content, made)
                case Release():
                    webhooks = _install(plane, item, made)
                    if controllers and item.chart in controllers:
                        running = at_the_end.enter_context(ExitStack())
                        running.enter_context(controllers[item.chart](plane, webhooks))
                        made.steps.append(running)
        yield made


def delete(api: Api, made: Created) -> None:
    """Delete everything in reverse order, each gone before the next; fails where one stays."""
    while made.steps:
        match made.steps.pop():
            case Key() as key:
                api.delete(key)
                _wait_until_gone(api, key)
            case ExitStack() as controller:
                controller.close()


def leftovers(api: Api, before: set[Key]) -> list[str]:
    """What is on the server that was not there before."""
    return [str(key) for key in sorted(api.everything() - before)]


def _install(plane: ControlPlane, release: Release, made: Created) -> list[Object]:
    """Apply the chart's objects; returns its webhook configurations."""
    folder = chart_folder(release)
    if folder is None:
        made.not_rendered.append(release.chart)
        return []
    unknown = unknown_values(release.values, folder)
    assert not unknown, f"{release.resource}: the chart {release.chart} knows no value {', '.join(unknown)}"
    objects = render(release, folder, plane.api, plane.folder)
    for obj in objects:
        _apply(plane.api, obj, made, dry_run=obj["kind"] in DRY_RUN_KINDS)
    made.rendered.append(release.chart)
    return [obj for obj in objects if obj["kind"].endswith("WebhookConfiguration")]


def _apply(api: Api, obj: Object, made: Created, *, dry_run: bool = False) -> None:
    key = _complete(api, key_of(obj))
    api.apply(obj, dry_run=dry_run)
    if dry_run:
        return
    made.steps.append(key)
    if key.kind == "Namespace":
        _wait_for_namespace(api, key.name)
    if key.kind == "InferenceService":
        wait_for_predictor(api, key)
    check_pod(api, obj, key.namespace)


def _complete(api: Api, key: Key) -> Key:
    """Namespaced objects without a namespace go to `default`."""
    namespaced = api.kind(key.api_version, key.kind).namespaced
    return Key(key.api_version, key.kind, (key.namespace or "default") if namespaced else "", key.name)


def _wait_for_namespace(api: Api, name: str) -> None:
    """Until pods can be made in it."""
    wait_for(lambda: api.find("v1", "ServiceAccount", name, "default") is not None, what=f"namespace {name}")


def _wait_until_gone(api: Api, key: Key) -> None:
    try:
        wait_for(lambda: api.read(key) is None, within_s=GONE_SECONDS, what=f"the deletion of {key}")
    except AssertionError as error:
        left: dict[str, Any] = api.read(key) or {}
        finalizers = left.get("metadata", {}).get("finalizers")
        conditions = left.get("status", {}).get("conditions")
        raise AssertionError(f"{error}; its finalizers are {finalizers}, its conditions {conditions}") from None
