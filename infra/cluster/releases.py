"""What is installed with each Kubernetes version: the node image and the add-ons that were seen to belong to it.

A version without a row is refused: EKS would take it, and nodes or add-ons would then not come up.
"""

from dataclasses import dataclass

from infra import versions
from infra.nodes.images import SHIPPED, NodeImage
from infra.versions import AddOn

PLACE = "infra/cluster/releases.py"


@dataclass(frozen=True, kw_only=True, slots=True)
class KubernetesRelease:
    """One minor version of Kubernetes and what goes with it."""

    version: str
    """Of the control plane, e.g. `1.35`."""
    image: NodeImage
    """Of all nodes."""
    vpc_cni: AddOn
    kube_proxy: AddOn
    coredns: AddOn
    ebs_csi: AddOn
    metrics_server: AddOn

    def __post_init__(self) -> None:
        self.image.check_skew(self.version)
        strangers = [add_on.name for add_on in self.add_ons if add_on.kubernetes != self.version]
        if strangers:
            raise ValueError(f"add-ons: (got {', '.join(strangers)}); allowed are those seen with {self.version}")

    @property
    def add_ons(self) -> tuple[AddOn, ...]:
        """All of them, in no order."""
        return self.vpc_cni, self.kube_proxy, self.coredns, self.ebs_csi, self.metrics_server


RELEASES = (
    KubernetesRelease(
        version=versions.KUBERNETES,
        image=SHIPPED,
        vpc_cni=versions.VPC_CNI,
        kube_proxy=versions.KUBE_PROXY,
        coredns=versions.COREDNS,
        ebs_csi=versions.EBS_CSI,
        metrics_server=versions.METRICS_SERVER,
    ),
)
"""Only what was seen to run together; of other versions no such set was to be had when the table was made."""
BY_VERSION = {release.version: release for release in RELEASES}


def release_of(version: str) -> KubernetesRelease:
    """The row of a Kubernetes version.

    Raises:
        ValueError: the table has none, with what it has and how to add one.
    """
    if version not in BY_VERSION:
        raise ValueError(
            f"Kubernetes version: (got {version}); allowed: {', '.join(BY_VERSION)}, for which node image and add-ons"
            f" are known to belong together; for another one, add its row to {PLACE}"
        )
    return BY_VERSION[version]
