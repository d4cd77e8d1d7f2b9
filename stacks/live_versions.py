"""A release file -> the versions that a cluster runs for it: plain values, checked before anything is declared."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from infra.release.names import predictor, version_name
from model.errors import UserError
from serving.release import Release, read_release
from serving.release_match import ByHeader
from serving.release_parts import Shadow
from serving.resources import Replicas, Resources

S3 = "s3://"


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveVersion:
    """A version that runs."""

    version: str
    digest: str
    uri: str
    """`s3://...`, or relative to the platform's artifacts; ends in a slash."""
    weight: int
    """Percent; 0 for one that is only kept ready."""
    replicas: Replicas


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveEndpoint:
    """An endpoint with all that runs for it."""

    name: str
    resources: Resources
    versions: Sequence[LiveVersion]
    """Those with a share first; weights add up to 100, or there are none."""
    rules: Sequence[ByHeader] = ()
    """Callers that get the candidate because of a header."""
    candidate: str | None = None
    """Version that the rules lead to."""
    shadow: Shadow | None = None
    """Version that gets copies."""
    planned: bool = False
    """Whether the file says how a candidate is to be judged."""


def read_endpoints(folder: Path) -> tuple[LiveEndpoint, ...]:
    """Every release file of an environment, by name.

    Raises:
        UserError: no such folder, a malformed file, or one that a cluster cannot serve.
    """
    if not folder.is_dir():
        raise UserError(f"no folder of release files (got `{folder}`)", hint="`git log --stat` shows where it went")
    return tuple(_read(path) for path in sorted(folder.glob("*.yaml")))


def live_endpoint(release: Release, *, place: str) -> LiveEndpoint:
    """What runs for a release.

    Raises:
        UserError: no resources, or an artifact whose address a cluster cannot read or that does not name the digest.
    """
    resources = release.resources
    if resources is None:
        raise UserError(
            f"`{place}`: resources: a cluster needs them (got null)",
            hint="docs/releases.md shows the section: compute, cpu, memory_gib, replicas, scaling",
        )
    if release.plan is not None and release.plan.compares:
        raise UserError(
            f"`{place}`: plan.metrics: nothing on a cluster asks both versions the same (got disagreement)",
            hint="prediction_drift compares what each answers to its own share; the twin can do both",
        )
    # What was relieved stays as large as it was: a way back that first has to grow is none.
    whole = {one.version for one in (release.stable, release.previous) if one}
    spare = resources.candidate_replicas or resources.replicas
    versions = [
        LiveVersion(
            version=version,
            digest=release.versions[version].digest,
            uri=_address(release, version, place),
            weight=weight,
            replicas=resources.replicas if version in whole else spare,
        )
        for version, weight in release.arms().items()
    ]
    if not release.weights() and versions:
        raise UserError(
            f"`{place}`: warm: nothing is stable yet (got {', '.join(release.warm)})",
            hint="`promote` makes one the first stable version",
        )
    return LiveEndpoint(
        name=release.endpoint,
        resources=resources,
        versions=versions,
        rules=_rules(release, place),
        candidate=release.candidate.version if release.candidate else None,
        shadow=release.shadow,
        planned=release.plan is not None,
    )


def service_names(release: Release) -> dict[str, str]:
    """Version -> the Service behind it on a cluster, whose name the gateways' counts have."""
    if release.resources is None:
        return {}
    resources = release.resources
    shape = f"{resources.compute}-{resources.cpu}-{resources.memory_gib}"
    return {
        version: predictor(version_name(endpoint=release.endpoint, version=version, digest=known.digest, shape=shape))
        for version, known in release.versions.items()
    }


def _rules(release: Release, place: str) -> list[ByHeader]:
    """What Istio can decide: a header's value, by whoever may call."""
    rules = []
    for position, rule in enumerate(release.candidate.match if release.candidate else ()):
        field = f"`{place}`: candidate.match[{position}]"
        if not isinstance(rule, ByHeader):
            raise UserError(
                f"{field}: a cluster's gateway cannot split by entity (got kind: entity)",
                hint="kind: header, with a header that the application sets by a hash of the entity; the twin can",
            )
        if rule.role is not None:
            raise UserError(
                f"{field}.role: a cluster's route does not see roles (got {rule.role})",
                hint="testers choose a version by `x-stillhouse-arm`, which the edge allows to their role alone",
            )
        rules.append(rule)
    return rules


def _read(path: Path) -> LiveEndpoint:
    release = read_release(path)
    if release.endpoint != path.stem:
        raise UserError(
            f"`{path}`: endpoint: is not the file's name (got {release.endpoint})",
            hint=f"`{release.endpoint}.yaml`, or `endpoint: {path.stem}`",
        )
    return live_endpoint(release, place=str(path))


def _address(release: Release, version: str, place: str) -> str:
    """The address with the slash that KServe needs; the digest in it makes a folder that is never written twice."""
    known = release.versions[version]
    field, uri = f"`{place}`: versions.{version}.uri", known.uri
    path = PurePosixPath(uri.removeprefix(S3))
    if uri.startswith("/") or ":" in str(path) or ".." in path.parts:
        raise UserError(
            f"{field}: a cluster cannot read it (got {uri})", hint="`s3://...`, or relative to the artifacts"
        )
    hexadecimal = known.digest.removeprefix("sha256:")
    if path.name != hexadecimal:
        raise UserError(
            f"{field}: its last folder is not the digest's {hexadecimal[:12]}... (got {uri})",
            hint=f"publish the repository to `{release.endpoint}/{hexadecimal}/` and name that",
        )
    return uri.rstrip("/") + "/"
