"""Rules about versions: nothing that is installed may change by itself."""

import re
from typing import Final

from infra.policies.charts import RELEASES
from infra.policies.judged import Judged, at, either, items
from infra.policies.pod_views import CONTAINERS, containers
from infra.policies.rule import Complaints, expect, holds, resource_rule, shown

ADDONS: Final = ("aws:eks/addon:Addon", "eks:index:Addon")
EXACT: Final = re.compile(r"v?\d+\.\d+\.\d+([-+][0-9A-Za-z.-]+)?")
DIGEST: Final = re.compile(r".+@sha256:[0-9a-f]{64}")


@resource_rule(of=CONTAINERS, row=59, sources=("CKV_K8S_43", "CKV_K8S_14", "EKS guide: images"))
def images_are_named_by_digest(resource: Judged) -> Complaints:
    """An image is named by its digest, so that what runs is what was tested."""
    for container in containers(resource):
        image = at(container.spec, "image")
        if image is None and not container.whole:
            continue
        pinned = holds(image, lambda value: bool(DIGEST.fullmatch(str(value))))
        yield from expect(pinned, f"{container.label}: image must end in @sha256:... (got {shown(image)})")


@resource_rule(of=RELEASES, row=59, sources=("Helm: version ranges", "EKS guide: images"))
def charts_are_pinned(release: Judged) -> Complaints:
    """A chart has an exact version."""
    version = at(release.inputs, "version")
    exact = holds(version, lambda value: bool(EXACT.fullmatch(str(value))))
    yield from expect(exact, f"version must be exact, like 1.2.3 (got {shown(version)})")


@resource_rule(of=RELEASES, row=59, sources=("Helm: repositories",))
def charts_come_by_tls(release: Judged) -> Complaints:
    """A chart comes from an OCI registry or by HTTPS."""
    chart, repository = at(release.inputs, "chart"), at(release.inputs, "repositoryOpts", "repo")
    by_registry = holds(chart, lambda value: str(value).startswith("oci://"))
    by_https = holds(repository, lambda value: str(value).startswith("https://"))
    yield from expect(
        either((by_registry, by_https)), f"repositoryOpts.repo must be https:// (got {shown(repository)})"
    )


@resource_rule(of=ADDONS, row=59, sources=("EKS guide: upgrades",))
def addons_are_pinned(addon: Judged) -> Complaints:
    """An add-on of EKS has an exact version."""
    version = at(addon.inputs, "addonVersion")
    exact = holds(version, lambda value: bool(re.fullmatch(r"v\d+\.\d+\.\d+-eksbuild\.\d+", str(value))))
    yield from expect(exact, f"addonVersion must be like v1.2.3-eksbuild.1 (got {shown(version)})")


@resource_rule(of=("karpenter.k8s.aws:EC2NodeClass",), row=59, sources=("Karpenter #8297", "EKS guide: upgrades"))
def machine_images_are_pinned(node_class: Judged) -> Complaints:
    """Karpenter's machine image is a dated one; `latest` replaces every node the day a new one appears."""
    for term in items(at(node_class.inputs, "spec", "amiSelectorTerms")) or [None]:
        by_id = holds(at(term, "id"), lambda value: str(value).startswith("ami-"))
        alias = at(term, "alias")
        dated = holds(alias, lambda value: bool(re.fullmatch(r"\w+@v[\w.-]+", str(value))))
        yield from expect(
            either((by_id, dated)), f"amiSelectorTerms[].alias must be like al2023@v20260810 (got {shown(alias)})"
        )


RULES: Final = (
    images_are_named_by_digest,
    charts_are_pinned,
    charts_come_by_tls,
    addons_are_pinned,
    machine_images_are_pinned,
)
