"""Runs a Pulumi program without engine, account or network: `capture(program)` gives every resource it declares."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pulumi.runtime
from google.protobuf import empty_pb2
from pulumi.runtime.mocks import MockEngine, MockSettings
from pulumi.runtime.settings import configure
from pulumi.runtime.stack import run_in_stack

from stacks.capture.fakes import FAKES
from stacks.capture.monitor import CapturingMonitor, Fake
from stacks.capture.resource import Resource
from stacks.capture.values import Value


@dataclass(frozen=True, kw_only=True, slots=True)
class Capture:
    """One run of a program."""

    resources: tuple[Resource, ...]
    """In the order of registration; the stack itself is not among them."""
    outputs: Mapping[str, Value]
    """What the program exported."""

    def __getitem__(self, urn: str) -> Resource:
        return next(resource for resource in self.resources if resource.urn == urn)

    def of_type(self, token: str) -> tuple[Resource, ...]:
        """Resources whose type is the token, e.g. `aws:s3/bucket:Bucket`."""
        return tuple(resource for resource in self.resources if resource.type == token)

    def one(self, token: str, name: str | None = None) -> Resource:
        """The only resource of the type (and name); raises `LookupError` that lists what there is."""
        found = [resource for resource in self.of_type(token) if name in (None, resource.name)]
        if len(found) != 1:
            listed = sorted(f"{resource.type} {resource.name}" for resource in self.resources)
            raise LookupError(f"{len(found)} resources are {token} {name or ''}; the program declares {listed}")
        return found[0]

    def children(self, urn: str) -> Iterator[Resource]:
        """Direct children of the resource."""
        return (resource for resource in self.resources if resource.parent == urn)


def capture(
    program: Callable[[], None],
    *,
    project: str = "stillhouse",
    stack: str = "test",
    config: Mapping[str, str] | None = None,
    secrets: frozenset[str] = frozenset(),
    preview: bool = False,
    fakes: Mapping[str, Fake] | None = None,
) -> Capture:
    """Every resource that the program declares.

    Args:
        program: declares resources; its own exceptions come through unchanged.
        project: name of the Pulumi project.
        stack: name of the stack.
        config: full key (`stillhouse:tier`) to value, structured values as JSON, as the engine hands them over.
        secrets: keys of `config` that are encrypted in the stack's file.
        preview: with unknown outputs, as before the first update.
        fakes: instead of, or on top of, the shipped table.
    """
    monitor = CapturingMonitor(project=project, stack=stack, preview=preview, fakes={**FAKES, **(fakes or {})})
    failure: list[BaseException] = []

    def run() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            loop.set_exception_handler(
                lambda *_: None
            )  # what waits for a failed resource fails with it, once is enough
            pulumi.runtime.set_all_config(dict(config or {}), sorted(secrets))
            _attach(monitor)
            loop.run_until_complete(run_in_stack(program))
        except BaseException as error:
            failure.append(error)
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    # The SDK keeps its state in context variables: a context and a loop of its own for each run keep runs apart.
    thread = threading.Thread(target=contextvars.Context().run, args=(run,))
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return Capture(resources=tuple(monitor.captured.values()), outputs=monitor.stack_outputs)


def _attach(monitor: CapturingMonitor) -> None:
    """As `pulumi.runtime.set_mocks`, but the root stack is left to `run_in_stack`."""
    deployment = monitor.GetDeploymentInfo(empty_pb2.Empty())  # type: ignore[no-untyped-call]
    configure(
        MockSettings(  # type: ignore[no-untyped-call]
            monitor=monitor,
            monitor_features=set(deployment.supportedFeatures),
            engine=MockEngine(None),
            project=monitor.project,
            stack=monitor.stack,
            dry_run=monitor.preview,
            organization=None,
            callbacks=None,
            # Without these the SDK falls back to sets of the whole process, where another loop's tasks may wait.
            outputs=set(),
            lock=threading.Lock(),
            package_refs={},
            base_providers_by_ref={},
        )
    )
