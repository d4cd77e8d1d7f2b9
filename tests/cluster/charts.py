"""Charts rendered by Helm with a stack's values; and values that a chart does not know."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.api import Api
from tests.cluster.control_plane import program_path
from tests.cluster.declared import Release
from tests.cluster.manifests import documents


def render(release: Release, folder: Path, api: Api, scratch: Path) -> list[dict[str, Any]]:
    """The chart's objects in Helm's order of installation, each with its namespace. Fails with Helm's words."""
    values = scratch / f"{release.name}.values.yaml"
    values.write_text(yaml.safe_dump(_as_plain(release.values)))
    command = [program_path("helm"), "template", release.name, folder, "--namespace", release.namespace]
    command += ["--values", values, "--skip-tests", "--kube-version", api.version(), "--include-crds"]
    for capability in sorted({f"{kind.api_version}/{kind.kind}" for kind in api.kinds()}):
        command += ["--api-versions", capability.rpartition("/")[0], "--api-versions", capability]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env={"HOME": str(scratch)})
    assert done.returncode == 0, f"chart {release.chart} does not take the values of {release.resource}:\n{done.stderr}"
    return [_placed(document, release.namespace, api) for document in documents(done.stdout)]


def unknown_values(
    values: Mapping[str, Any], folder: Path, added_defaults: Mapping[str, Any] | None = None
) -> list[str]:
    """Dotted paths of values that neither the chart's values.yaml nor a template knows: most likely misspelt.

    Args:
        values: what a stack passes.
        folder: the chart's.
        added_defaults: what the chart around it says of this one.
    """
    defaults = yaml.load((folder / "values.yaml").read_bytes(), yaml.CSafeLoader) or {}
    # Istio keeps its defaults one level down, and moves them up in a template.
    defaults = {**defaults, **(defaults.get("_internal_defaults_do_not_set") or {}), **(added_defaults or {})}
    texts = [file.read_text() for file in folder.rglob("*") if file.suffix in (".yaml", ".tpl", ".txt")]
    inner = {name: values[name] for name in values if (folder / "charts" / name).is_dir()}
    own = {name: value for name, value in values.items() if name not in inner}
    return [
        *_unknown(own, defaults, "", _Templates.of("\n".join(texts))),
        *(
            f"{name}.{path}"
            for name, passed in inner.items()
            for path in unknown_values(passed, folder / "charts" / name, defaults.get(name))
        ),
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Templates:
    """Which values a chart's templates use."""

    named: frozenset[str]
    """`a`, `a.b` and `a.b.c` for every `.Values.a.b.c`."""
    whole: frozenset[str]
    """Paths that are written out with everything in them, so that a default may be added to."""

    @classmethod
    def of(cls, text: str) -> "_Templates":
        path = r"\.Values\.([A-Za-z_][\w.]*)"
        paths = [match.rstrip(".").split(".") for match in re.findall(path, text)]
        whole = re.findall(rf"(?:toYaml|with|range|include \"[^\"]+\")\s+\(?{path}|{path}\s*\)?\s*\|\s*toYaml", text)
        return cls(
            named=frozenset(".".join(parts[:length]) for parts in paths for length in range(1, len(parts) + 1)),
            whole=frozenset(
                [first or second for first, second in whole] + re.findall(r'index \.Values "([^"]+)"', text)
            ),
        )


def _unknown(values: Mapping[str, Any], defaults: Mapping[str, Any], prefix: str, used: _Templates) -> Iterator[str]:
    for key, value in values.items():
        path = f"{prefix}{key}"
        default = defaults.get(key)
        # A chart that ships an empty mapping, or writes a mapping out as it is, takes any keys there.
        if isinstance(value, Mapping) and isinstance(default, Mapping) and default and path not in used.whole:
            yield from _unknown(value, default, f"{path}.", used)
        elif key not in defaults and path not in used.named | used.whole:
            yield path


def _placed(document: dict[str, Any], namespace: str, api: Api) -> dict[str, Any]:
    if api.kind(document["apiVersion"], document["kind"]).namespaced:
        document["metadata"].setdefault("namespace", namespace)
    return document


def _as_plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _as_plain(inner) for key, inner in value.items()}
    return [_as_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
