"""Creates and deletes what a stack declares as an engine would: in its order, waiting for what the server does."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

from tests.cluster.api import Api, Key, Object, key_of
from tests.cluster.charts import render, unknown_values
from tests.cluster.control_plane import ControlPlane
from tests.cluster.declared import Declared, DeclaredObject, Release
from tests.cluster.kserve import wait_for_predictor
from tests.cluster.workloads import check_pod
from tests.serving.waiting import wait_for
from tools.charts import chart_folder

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What came of one declared thing."""

    item: Declared
    keys: list[Key] = field(default_factory=list)
    """Its objects, in order."""
    controller: ExitStack = field(default_factory=ExitStack)
    """What runs while it is there."""


@dataclass(kw_only=True, slots=True)
class Created:
    """What was put on the server."""

    steps: list[Step] = field(default_factory=list)
    rendered: list[str] = field(default_factory=list)
    """Charts that were rendered and applied."""
    not_rendered: list[str] = field(default_factory=list)
    """Charts that could not be had."""

    @property
    def keys(self) -> list[Key]:
        """The objects, in order."""
        return [key for step in self.steps for key in step.keys]


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
            step = Step(item=item)
            made.steps.append(step)
            match item:
                case DeclaredObject():
                    _apply(plane.api, item.content, step.keys)
                case Release():
                    webhooks = _install(plane, item, step.keys, made)
                    if controllers and item.chart in controllers:
                        at_the_end.enter_context(step.controller)
                        step.controller.enter_context(controllers[item.chart](plane, webhooks))
        yield made


def delete(api: Api, made: Created) -> None:
    """Delete everything, each thing when all that came after it is gone; fails where an object stays."""
    steps = {step.item.resource: step for step in made.steps}
    graph: dict[str, set[str]] = {name: set() for name in steps}
    for name, step in steps.items():
        for earlier in step.item.after & steps.keys():
            graph[earlier].add(name)
    order = TopologicalSorter(graph)
    order.prepare()
    # Side by side, as an engine does: what one deletion does to another is found here.
    with ThreadPoolExecutor(max_workers=16) as pool:
        running: dict[Future[None], str] = {}
        while order.is_active():
            running |= {pool.submit(_delete_step, api, steps[name]): name for name in order.get_ready()}
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
                order.done(running.pop(future))


def _delete_step(api: Api, step: Step) -> None:
    step.controller.close()
    for key in reversed(step.keys):
        api.delete(key)
    for key in reversed(step.keys):
        _wait_until_gone(api, key)


def leftovers(api: Api, before: set[Key]) -> list[str]:
    """What is on the server that was not there before."""
    return [str(key) for key in sorted(api.everything() - before)]


def _install(plane: ControlPlane, release: Release, keys: list[Key], made: Created) -> list[Object]:
    """Apply the chart's objects; returns its webhook configurations."""
    folder = chart_folder(release.chart, release.version)
    if folder is None:
        made.not_rendered.append(release.chart)
        return []
    unknown = unknown_values(release.values, folder)
    assert not unknown, f"{release.resource}: the chart {release.chart} knows no value {', '.join(unknown)}"
    objects = render(release, folder, plane.api, plane.folder)
    for obj in objects:
        _apply(plane.api, obj, keys, dry_run=obj["kind"] in DRY_RUN_KINDS)
    made.rendered.append(release.chart)
    return [obj for obj in objects if obj["kind"].endswith("WebhookConfiguration")]


def _apply(api: Api, obj: Object, keys: list[Key], *, dry_run: bool = False) -> None:
    """Apply one object, add it to the keys, and wait for what the server and its controllers make of it."""
    key = _complete(api, key_of(obj))
    api.apply(obj, dry_run=dry_run)
    if dry_run:
        return
    keys.append(key)
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
