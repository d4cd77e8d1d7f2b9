"""The engine's side of a program run: keeps every registration and answers with what a cloud would give.

In an update the answers hold the inputs and the outputs of a fake that knows the type; in a preview a new resource has
only its inputs, and everything computed is unknown, as with the real engine before the first `pulumi up`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from google.protobuf import empty_pb2
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import resource_pb2 as wire

from stacks.capture.resource import Options, Resource
from stacks.capture.values import Secret, Value, from_struct, reveal, to_struct


@dataclass(frozen=True, kw_only=True, slots=True)
class FakeRequest:
    """What a fake answers to: one resource that is created or read, or one provider function that is called."""

    type: str
    """Token of the resource or function."""
    name: str
    """Logical name; empty for a function."""
    inputs: Mapping[str, Value]
    """Plain values: secrets are opened."""
    id: str = ""
    """Of the existing resource, where one is read."""


Fake = Callable[[FakeRequest], Mapping[str, Value]]
"""Inputs to outputs. The key `id` is the physical id; for other keys see the type's outputs in its package."""


class UnknownTypeError(LookupError):
    """No fake knows the type, so nothing honest can be said of its outputs."""


class DuplicateResourceError(ValueError):
    """Two resources have one URN, which the engine refuses."""


class _NoMocks(Mocks):
    """The SDK's monitor wants mocks; the methods below answer in their place."""

    def call(self, args: MockCallArgs) -> tuple[dict[str, object], list[tuple[str, str]] | None]:
        raise AssertionError(args.token)

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, object]]:
        raise AssertionError(args.typ)


class CapturingMonitor(MockMonitor):
    """Keeps what the program registers, in order."""

    def __init__(self, *, project: str, stack: str, preview: bool, fakes: Mapping[str, Fake]) -> None:
        super().__init__(_NoMocks())
        self.project = project
        self.stack = stack
        self.preview = preview
        self.fakes = fakes
        self.captured: dict[str, Resource] = {}
        self.stack_outputs: Mapping[str, Value] = {}
        self._lock = threading.Lock()

    def RegisterResource(self, request: wire.RegisterResourceRequest) -> wire.RegisterResourceResponse:  # noqa: N802
        """Keeps the resource; the answer holds its id and its outputs."""
        urn = self._urn(request.parent, request.type, request.name)
        inputs = from_struct(request.object)
        outputs: Mapping[str, Value] = {}
        if request.type == "pulumi:pulumi:Stack":
            return wire.RegisterResourceResponse(urn=urn)
        if request.custom or request.remote:
            outputs = self._outputs(request, inputs)
        self._keep(
            Resource(
                urn=urn,
                type=request.type,
                name=request.name,
                parent=request.parent,
                custom=request.custom,
                remote=request.remote,
                inputs=inputs,
                outputs=outputs,
                depends_on=frozenset(request.dependencies),
                property_dependencies={
                    key: frozenset(dependencies.urns) for key, dependencies in request.propertyDependencies.items()
                },
                options=_options(request),
            )
        )
        return wire.RegisterResourceResponse(
            urn=urn, id=str(outputs.get("id", "")), object=to_struct({k: v for k, v in outputs.items() if k != "id"})
        )

    def ReadResource(self, request: wire.ReadResourceRequest) -> wire.ReadResourceResponse:  # noqa: N802
        """An existing resource is read in a preview too, as the engine does."""
        urn = self._urn(request.parent, request.type, request.name)
        inputs = from_struct(request.properties)
        outputs = {
            **inputs,
            **self._fake(FakeRequest(type=request.type, name=request.name, inputs=_plain(inputs), id=request.id)),
        }
        self._keep(
            Resource(
                urn=urn,
                type=request.type,
                name=request.name,
                parent=request.parent,
                custom=True,
                read=True,
                inputs=inputs,
                outputs=outputs,
                depends_on=frozenset(request.dependencies),
                options=Options(provider=request.provider, version=request.version),
            )
        )
        return wire.ReadResourceResponse(urn=urn, properties=to_struct(outputs))

    def RegisterResourceOutputs(self, request: wire.RegisterResourceOutputsRequest) -> empty_pb2.Empty:  # noqa: N802
        """Keeps what a component, or the stack, gives out."""
        outputs = from_struct(request.outputs)
        with self._lock:
            if request.urn in self.captured:
                self.captured[request.urn] = replace(self.captured[request.urn], registered_outputs=outputs)
            else:
                self.stack_outputs = outputs
        return empty_pb2.Empty()

    def Invoke(self, request: wire.ResourceInvokeRequest) -> wire.ResourceInvokeResponse:  # noqa: N802
        """A provider function, e.g. `aws:index/getCallerIdentity:getCallerIdentity`."""
        answer = self._fake(FakeRequest(type=request.tok, name="", inputs=_plain(from_struct(request.args))))
        response = wire.ResourceInvokeResponse()
        getattr(response, "return").CopyFrom(to_struct(answer))
        return response

    def _outputs(self, request: wire.RegisterResourceRequest, inputs: Mapping[str, Value]) -> Mapping[str, Value]:
        fake = self._fake(FakeRequest(type=request.type, name=request.name, inputs=_plain(inputs)))
        if self.preview:
            return {} if request.remote else inputs
        secret = set(request.additionalSecretOutputs)
        return {**inputs, **{key: Secret(value) if key in secret else value for key, value in fake.items()}}

    def _fake(self, request: FakeRequest) -> Mapping[str, Value]:
        fake = self.fakes.get(request.type)
        if fake is None:
            raise UnknownTypeError(
                f"no fake for {request.type} ({request.name or 'a function'}); add one to stacks/capture/fakes_*.py"
            )
        return fake(request)

    def _keep(self, resource: Resource) -> None:
        with self._lock:
            if resource.urn in self.captured:
                raise DuplicateResourceError(f"two resources have the URN {resource.urn}; give one another name")
            self.captured[resource.urn] = resource

    def _urn(self, parent: str, type_: str, name: str) -> str:
        parent_type = parent.split("::")[2] if parent else ""
        qualified = type_ if parent_type in ("", "pulumi:pulumi:Stack") else f"{parent_type}${type_}"
        return f"urn:pulumi:{self.stack}::{self.project}::{qualified}::{name}"


def _plain(inputs: Mapping[str, Value]) -> dict[str, Value]:
    return {key: reveal(value) for key, value in inputs.items()}


def _options(request: wire.RegisterResourceRequest) -> Options:
    timeouts = request.customTimeouts
    return Options(
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        provider=request.provider,
        aliases=tuple(filter(None, (*request.aliasURNs, *(alias.urn or alias.spec.name for alias in request.aliases)))),
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        deleted_with=request.deletedWith,
        import_id=request.importId,
        version=request.version,
        timeouts={verb: text for verb in ("create", "update", "delete") if (text := getattr(timeouts, verb))},
    )
