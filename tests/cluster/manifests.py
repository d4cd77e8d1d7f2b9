"""YAML as Kubernetes reads it: no dates, and `=` is a string."""

from collections.abc import Iterator
from typing import Any

import yaml


class _Loader(yaml.CSafeLoader):
    pass


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] not in ("timestamp", "value")]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def documents(text: str | bytes) -> Iterator[dict[str, Any]]:
    """The objects of a file; empty documents are left out."""
    return (document for document in yaml.load_all(text, _Loader) if document)
