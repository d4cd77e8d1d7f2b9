"""A client of the Kubernetes API for tests: strict server-side apply, delete, and what remains."""

import ssl
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Any

import httpx

FIELD_MANAGER = "stillhouse"
BUSY_SECONDS = 30
EPHEMERAL = {"events", "leases", "bindings", "componentstatuses"}
"""Resources that servers write for themselves."""

Object = Mapping[str, Any]
"""A Kubernetes object as its JSON."""


class RefusedError(AssertionError):
    """The API server refused a request; the message names the object and holds the server's words."""


@dataclass(frozen=True, order=True, slots=True)
class Key:
    """Which object."""

    api_version: str
    kind: str
    namespace: str
    """Empty for cluster-scoped kinds."""
    name: str

    def __str__(self) -> str:
        return f"{self.api_version} {self.kind} {f'{self.namespace}/' if self.namespace else ''}{self.name}"


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource type that the server knows."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]


def key_of(obj: Object) -> Key:
    metadata = obj["metadata"]
    return Key(obj["apiVersion"], obj["kind"], metadata.get("namespace") or "", metadata["name"])


class Api:
    """The API server as one user sees it."""

    def __init__(self, url: str, *, token: str, authority: ssl.SSLContext) -> None:
        self._client = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {token}"}, verify=authority, timeout=60, trust_env=False
        )

    def __enter__(self) -> "Api":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def is_ready(self) -> bool:
        try:
            return self._client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def apply(self, obj: Object, *, dry_run: bool = False) -> dict[str, Any]:
        """Server-side apply that refuses every field the schema does not know. Raises `RefusedError`."""
        key = key_of(obj)
        parameters = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", "force": "true"}
        answer = self._request(
            "PATCH",
            self.path(key),
            params=parameters | ({"dryRun": "All"} if dry_run else {}),
            json=dict(obj),
            headers={"content-type": "application/apply-patch+yaml"},
        )
        return _accepted(answer, f"{key}")

    def create(self, obj: Object, *, dry_run: bool = False) -> dict[str, Any]:
        """POST, for kinds that cannot be applied. Raises `RefusedError`."""
        key = key_of(obj)
        parameters = {"fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
        answer = self._request("POST", self.path(key).rpartition("/")[0], params=parameters, json=dict(obj))
        return _accepted(answer, f"{key}")

    def delete(self, key: Key) -> None:
        """Asks for the deletion, dependents first, as Pulumi does; an object that is gone is fine."""
        answer = self._request("DELETE", self.path(key), json={"propagationPolicy": "Foreground"})
        if answer.status_code != 404:
            _accepted(answer, f"deleting {key}")

    def find(self, api_version: str, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        """The object, or None."""
        return self.read(Key(api_version, kind, namespace, name))

    def read(self, key: Key) -> dict[str, Any] | None:
        """The object, or None."""
        answer = self._request("GET", self.path(key))
        return None if answer.status_code == 404 else _accepted(answer, f"reading {key}")

    def patch(self, key: Key, patch: Mapping[str, Any], *, subresource: str = "") -> dict[str, Any]:
        """A JSON merge patch."""
        path = self.path(key) + (f"/{subresource}" if subresource else "")
        answer = self._request("PATCH", path, json=patch, headers={"content-type": "application/merge-patch+json"})
        return _accepted(answer, f"patching {key}")

    def list(self, api_version: str, kind: str, namespace: str = "", selector: str = "") -> list[dict[str, Any]]:
        """All of a kind, in one namespace or in all."""
        path = self._collection(self.kind(api_version, kind), namespace)
        answer = _accepted(self._request("GET", path, params={"labelSelector": selector}), f"listing {kind}")
        return [{"apiVersion": api_version, "kind": kind, **item} for item in answer["items"]]

    def everything(self) -> set[Key]:
        """Every object that the server holds, without those that servers write for themselves."""
        kinds = [kind for kind in self.kinds() if "list" in kind.verbs and kind.plural not in EPHEMERAL]
        # Side by side, since a kind that was just defined may make each request wait for a second.
        with ThreadPoolExecutor(max_workers=16) as pool:
            lists = pool.map(lambda kind: self.list(kind.api_version, kind.kind), kinds)
            return {key_of(item) for items in lists for item in items}

    def kinds(self) -> Iterator[Kind]:
        """What the server knows, each kind in the version that it prefers."""
        versions = ["v1"]
        for group in self._client.get("/apis").raise_for_status().json()["groups"]:
            versions.append(group["preferredVersion"]["groupVersion"])
        for version in versions:
            yield from self._kinds_of(version)

    def kind(self, api_version: str, kind: str) -> Kind:
        """The kind. Raises `RefusedError` where the server does not know it."""
        known = (api_version, kind) in self._known or self._learn(api_version)
        if not known or (api_version, kind) not in self._known:
            raise RefusedError(f"{api_version} {kind}: the server knows no such kind; is its CRD installed?")
        return self._known[api_version, kind]

    def path(self, key: Key) -> str:
        """Path of the object."""
        return f"{self._collection(self.kind(key.api_version, key.kind), key.namespace)}/{key.name}"

    def version(self) -> str:
        """The server's version, e.g. v1.35.4."""
        return str(self._client.get("/version").raise_for_status().json()["gitVersion"])

    def _request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Asks again, as clients do, while the server is too busy or starts to serve a kind."""
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            answer = self._client.request(method, path, **arguments)
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS or time.monotonic() > deadline:
                return answer
            time.sleep(float(answer.headers.get("retry-after", 1)))

    @cached_property
    def _known(self) -> dict[tuple[str, str], Kind]:
        return {}

    def _learn(self, api_version: str) -> bool:
        kinds = list(self._kinds_of(api_version))
        self._known.update({(kind.api_version, kind.kind): kind for kind in kinds})
        return bool(kinds)

    def _kinds_of(self, api_version: str) -> Iterator[Kind]:
        answer = self._request("GET", _group_path(api_version))
        if answer.status_code == 404:
            return
        for resource in answer.raise_for_status().json()["resources"]:
            if "/" not in resource["name"]:
                verbs = frozenset(resource["verbs"])
                yield Kind(api_version, resource["kind"], resource["name"], resource["namespaced"], verbs)

    def _collection(self, kind: Kind, namespace: str) -> str:
        place = f"/namespaces/{namespace}" if kind.namespaced and namespace else ""
        return f"{_group_path(kind.api_version)}{place}/{kind.plural}"


def _group_path(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _accepted(answer: httpx.Response, what: str) -> dict[str, Any]:
    content = answer.json() if answer.content else {}
    if answer.is_error:
        raise RefusedError(f"{what}: {answer.status_code} {content.get('message', answer.text)}")
    assert isinstance(content, dict)
    return content
