"""Pieces of Envoy's configuration that several of its parts are made of, as JSON-ready values."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def typed(message: str, **fields: Any) -> Json:  # noqa: ANN401
    """A protobuf `Any` of the given message."""
    return {"@type": f"type.googleapis.com/{message}", **fields}


def http_filter(name: str, message: str, **fields: Any) -> Json:  # noqa: ANN401
    """One of Envoy's own HTTP filters, e.g. `buffer` and `buffer.v3.Buffer`."""
    return {
        "name": f"envoy.filters.http.{name}",
        "typed_config": typed(f"envoy.extensions.filters.http.{message}", **fields),
    }


def watched(folder: Path) -> Json:
    """Where Envoy finds `<folder>/<its name>.json`; it looks again after every rename in the folder."""
    return {
        "path_config_source": {"path": str(folder / f"{folder.name}.json"), "watched_directory": {"path": str(folder)}},
        "resource_api_version": "V3",
    }


def loopback(port: int) -> Json:
    """An address that only this machine reaches."""
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def discovery(message: str, resources: Sequence[Json]) -> Json:
    """An xDS answer whose version is the digest of its contents: equal contents, equal version."""
    whole = [typed(message, **resource) for resource in resources]
    return {"version_info": contents_version(whole), "resources": whole}


def contents_version(resources: Sequence[Json]) -> str:
    """The version of these contents, whoever wrote them."""
    return hashlib.sha256(json.dumps(resources, sort_keys=True).encode()).hexdigest()[:16]
