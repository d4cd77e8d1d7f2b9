"""Every chart, image, add-on, CRD bundle and Kubernetes version that the platform installs, with date and source.

`SHIPPED` is the set that is installed together; `floating_pins` names every entry that could change under our feet.
`docs/decisions/0008-versions.md` says why these and not KServe's own test set or the newest.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

KUBERNETES: Final = "1.35"
"""EKS standard support ends 2027-03-27; Istio 1.30, KServe 0.20 and Karpenter 1.14 all support it."""

_VERSION = re.compile(r"^v?\d+\.\d+(\.\d+)?([-+][0-9A-Za-z.-]+)?$")
_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")
_FLOATING_TAGS = frozenset({"latest", "stable", "edge", "main", "master", "nightly", "dev"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A Helm chart at one version."""

    name: str
    repository: str
    """`https://` index or `oci://` registry path that holds the chart."""
    version: str
    """Exactly as the chart's own `version`, with its leading v where it has one."""
    released: date
    source: str
    """Where the version was read."""
    kserve_tested: str | None = None
    """The version that KServe 0.20.0's `kserve-deps.env` tests with; None: it does not use it."""
    latest: str
    """The newest known when the table was last looked over (2026-11-20)."""

    @property
    def reference(self) -> str:
        """What Helm is asked for: the name in an index, or the whole reference in a registry."""
        return f"{self.repository}/{self.name}" if self.is_oci else self.name

    @property
    def is_oci(self) -> bool:
        """Whether the chart lies in an OCI registry."""
        return self.repository.startswith("oci://")


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A container image that our own objects run; charts bring theirs."""

    repository: str
    tag: str
    digest: str | None
    """`sha256:` and 64 hexadecimal digits; None: must come as a setting, for the reason in `undigested`."""
    undigested: str = ""
    """Why the table holds no digest."""
    released: date
    source: str

    @property
    def reference(self) -> str | None:
        """`<repository>:<tag>@<digest>`, or None where the table holds no digest."""
        return f"{self.repository}:{self.tag}@{self.digest}" if self.digest else None


@dataclass(frozen=True, kw_only=True, slots=True)
class AddOn:
    """An EKS managed add-on at one version."""

    name: str
    version: str
    kubernetes: str
    """The Kubernetes minor that the version was seen with."""
    released: date
    """When it was seen in use."""
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CrdBundle:
    """Custom resource definitions that no chart of ours brings."""

    name: str
    url: str
    version: str
    released: date
    source: str
    kserve_tested: str | None = None
    latest: str


Pin = Chart | Image | AddOn | CrdBundle

_ISTIO = "https://istio-release.storage.googleapis.com/charts"
_KSERVE = "oci://ghcr.io/kserve/charts"
_KARPENTER = "oci://public.ecr.aws/karpenter"
_NVIDIA = "https://nvidia.github.io"


def _istio(name: str) -> Chart:
    return Chart(
        name=name,
        repository=_ISTIO,
        version="1.30.3",
        released=date(2026, 7, 13),
        source="tag 1.30.3 of istio/istio",
        kserve_tested="1.27.1",
        latest="1.30.4",
    )


def _kserve(name: str) -> Chart:
    return Chart(
        name=name,
        repository=_KSERVE,
        version="v0.20.0",
        released=date(2026, 8, 5),
        source="tag v0.20.0 of kserve/kserve",
        kserve_tested="v0.20.0",
        latest="v0.21.0",
    )


def _karpenter(name: str) -> Chart:
    return Chart(
        name=name,
        repository=_KARPENTER,
        version="1.14.1",
        released=date(2026, 8, 20),
        source="tag v1.14.1 of aws/karpenter-provider-aws",
        latest="1.15.0",
    )


ISTIO_BASE: Final = _istio("base")
ISTIO_CNI: Final = _istio("cni")
ISTIOD: Final = _istio("istiod")
ISTIO_GATEWAY: Final = _istio("gateway")
KSERVE_CRD: Final = _kserve("kserve-crd")
KSERVE_RESOURCES: Final = _kserve("kserve-resources")
KARPENTER_CRD: Final = _karpenter("karpenter-crd")
KARPENTER: Final = _karpenter("karpenter")
CERT_MANAGER: Final = Chart(
    name="cert-manager",
    repository="https://charts.jetstack.io",
    version="v1.21.1",
    released=date(2026, 7, 29),
    source="tag v1.21.1 of cert-manager/cert-manager",
    kserve_tested="v1.17.0",
    latest="v1.21.2",
)
KEDA: Final = Chart(
    name="keda",
    repository="https://kedacore.github.io/charts",
    version="2.20.2",
    released=date(2026, 7, 31),
    source="tag v2.20.2 of kedacore/charts",
    kserve_tested="2.18.0",
    latest="2.21.0",
)
LOAD_BALANCER_CONTROLLER: Final = Chart(
    name="aws-load-balancer-controller",
    repository="https://aws.github.io/eks-charts",
    version="3.5.0",
    released=date(2026, 8, 3),
    source="pull request 1354 of aws/eks-charts; tag v3.5.0 of kubernetes-sigs/aws-load-balancer-controller",
    latest="3.5.0",
)
EXTERNAL_DNS: Final = Chart(
    name="external-dns",
    repository="https://kubernetes-sigs.github.io/external-dns",
    version="1.21.1",
    released=date(2026, 4, 30),
    source="tag external-dns-helm-chart-1.21.1 of kubernetes-sigs/external-dns",
    latest="1.21.1",
)
PROMETHEUS_STACK: Final = Chart(
    name="kube-prometheus-stack",
    repository="https://prometheus-community.github.io/helm-charts",
    version="88.5.3",
    released=date(2026, 8, 21),
    source="tag kube-prometheus-stack-88.5.3 of prometheus-community/helm-charts",
    kserve_tested="83.4.0",
    latest="88.6.5",
)
PULUMI_OPERATOR: Final = Chart(
    name="pulumi-kubernetes-operator",
    repository="oci://ghcr.io/pulumi/helm-charts",
    version="2.9.0",
    released=date(2026, 7, 29),
    source="tag v2.9.0 of pulumi/pulumi-kubernetes-operator",
    latest="2.9.0",
)
NVIDIA_DEVICE_PLUGIN: Final = Chart(
    name="nvidia-device-plugin",
    repository=f"{_NVIDIA}/k8s-device-plugin",
    version="0.20.0",
    released=date(2026, 8, 19),
    source="tag v0.20.0 of NVIDIA/k8s-device-plugin",
    latest="0.20.0",
)
DCGM_EXPORTER: Final = Chart(
    name="dcgm-exporter",
    repository=f"{_NVIDIA}/dcgm-exporter/helm-charts",
    version="4.8.2",
    released=date(2026, 5, 6),
    source="tag 4.5.3-4.8.2 of NVIDIA/dcgm-exporter",
    latest="4.8.2",
)

GATEWAY_API: Final = CrdBundle(
    name="gateway-api",
    url="https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.5.1/standard-install.yaml",
    version="v1.5.1",
    released=date(2026, 8, 5),
    source="go.mod of istio/istio 1.30.3 and kserve-deps.env of kserve/kserve v0.20.0 require it",
    kserve_tested="v1.5.1",
    latest="v1.7.0",
)

TRITON: Final = Image(
    repository="nvcr.io/nvidia/tritonserver",
    tag="26.07-py3",
    digest="sha256:551599c0812bb706121410a71abda07f9920d25e6c66edf1ec07a375e49f5f90",
    released=date(2026, 7, 24),
    source="release v2.71.0 of triton-inference-server/server; the digest (linux/amd64) from a public report of a "
    "KServe cluster that ran it, not asked of the registry: a wrong one fails to pull, since only NVIDIA pushes there",
)
PULUMI_WORKSPACE: Final = Image(
    repository="docker.io/pulumi/pulumi",
    tag="3.272.0-nonroot",
    digest=None,
    undigested="the image must hold this project's locked packages too, so each company builds its own from this one",
    released=date(2026, 8, 12),
    source="the pulumi package that this project locks",
)


def _add_on(name: str, version: str) -> AddOn:
    return AddOn(
        name=name,
        version=version,
        kubernetes=KUBERNETES,
        released=date(2026, 8, 20),
        source="a public EKS 1.35 configuration; `aws eks describe-addon-versions` lists what a region offers",
    )


VPC_CNI: Final = _add_on("vpc-cni", "v1.22.3-eksbuild.1")
COREDNS: Final = _add_on("coredns", "v1.13.2-eksbuild.11")
KUBE_PROXY: Final = _add_on("kube-proxy", "v1.35.3-eksbuild.17")
EBS_CSI: Final = _add_on("aws-ebs-csi-driver", "v1.63.1-eksbuild.1")
METRICS_SERVER: Final = _add_on("metrics-server", "v0.9.0-eksbuild.5")

_CHARTS = (
    LOAD_BALANCER_CONTROLLER,
    EXTERNAL_DNS,
    CERT_MANAGER,
    ISTIO_BASE,
    ISTIO_CNI,
    ISTIOD,
    ISTIO_GATEWAY,
    KSERVE_CRD,
    KSERVE_RESOURCES,
    KEDA,
    PROMETHEUS_STACK,
    PULUMI_OPERATOR,
    KARPENTER_CRD,
    KARPENTER,
    NVIDIA_DEVICE_PLUGIN,
    DCGM_EXPORTER,
)
CHARTS: Final[Mapping[str, Chart]] = MappingProxyType({chart.name: chart for chart in _CHARTS})
"""Chart name -> chart."""
ADD_ONS: Final[Mapping[str, AddOn]] = MappingProxyType(
    {add_on.name: add_on for add_on in (VPC_CNI, COREDNS, KUBE_PROXY, EBS_CSI, METRICS_SERVER)}
)
"""Add-on name -> add-on."""
IMAGES: Final = (TRITON, PULUMI_WORKSPACE)
SHIPPED: Final[tuple[Pin, ...]] = (*_CHARTS, GATEWAY_API, *ADD_ONS.values(), *IMAGES)
"""Everything, in no order."""


def floating_pins(pins: Iterable[Pin]) -> list[str]:
    """One sentence for each entry that does not fix what is installed; empty when all do."""
    return [complaint for pin in pins for complaint in _complaints(pin)]


def image_problem(reference: str) -> str | None:
    """Why an image reference may mean another image tomorrow; None for `<repository>[:tag]@sha256:<64 hex digits>`."""
    repository, at, digest = reference.partition("@")
    if not at:
        return f"`{reference}` has no digest; allowed is `<repository>@sha256:<64 hexadecimal digits>`"
    if not _DIGEST.match(digest) or not repository:
        return f"`{reference}`: `{digest}` is no digest; allowed is `sha256:` and 64 hexadecimal digits"
    return None


def _complaints(pin: Pin) -> list[str]:
    if isinstance(pin, Image):
        return _image_complaints(pin)
    found = []
    if not _VERSION.match(pin.version):
        found.append(f"{pin.name}: `{pin.version}` is not one exact version")
    if isinstance(pin, CrdBundle) and f"/{pin.version}/" not in pin.url:
        found.append(f"{pin.name}: `{pin.url}` does not name {pin.version}")
    if isinstance(pin, AddOn) and "-eksbuild." not in pin.version:
        found.append(f"{pin.name}: `{pin.version}` names no build of EKS")
    return found


def _image_complaints(image: Image) -> list[str]:
    found = []
    if not image.tag or image.tag in _FLOATING_TAGS:
        found.append(f"{image.repository}: the tag `{image.tag}` floats")
    if image.digest is None and not image.undigested:
        found.append(f"{image.repository}: no digest and no reason")
    if image.digest is not None and not _DIGEST.match(image.digest):
        found.append(f"{image.repository}: `{image.digest}` is no digest")
    return found
