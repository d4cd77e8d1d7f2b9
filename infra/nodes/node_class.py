"""The body of an EC2NodeClass: what the machines of a pool are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

BASE_THROUGHPUT_MIBPS = 125
BASE_IOPS = 3000
MAX_THROUGHPUT_MIBPS = 2000
IOPS_PER_MIBPS = 4
"""gp3 asks for four IOPS to each MiB/s: https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html."""

FAST_PULL_THROUGHPUT_MIBPS = 600
"""What a volume must take for a parallel pull to be worth its cores; a slower one is the bottleneck either way."""
FAST_IMAGE_PULL = """\
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  featureGates:
    FastImagePull: true
"""
"""SOCI's parallel pull and unpack: Triton's image is many GiB.

https://github.com/awslabs/amazon-eks-ami/blob/main/nodeadm/doc/examples.md
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Volume:
    """A node's only disk: images, models and logs."""

    gib: int
    throughput_mibps: int = BASE_THROUGHPUT_MIBPS

    def __post_init__(self) -> None:
        if not BASE_THROUGHPUT_MIBPS <= self.throughput_mibps <= MAX_THROUGHPUT_MIBPS:
            raise ValueError(
                f"volume throughput: (got {self.throughput_mibps} MiB/s);"
                f" allowed are {BASE_THROUGHPUT_MIBPS} to {MAX_THROUGHPUT_MIBPS}"
            )
        if self.gib < 20:
            raise ValueError(f"volume: (got {self.gib} GiB); allowed are 20 or more")

    @property
    def iops(self) -> int:
        """The fewest that gp3 accepts with this throughput."""
        return max(BASE_IOPS, IOPS_PER_MIBPS * self.throughput_mibps)


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeClass:
    """Everything of a pool's machines that is AWS's."""

    ami_alias: str
    """Pinned, e.g. `al2023@v20260903`."""
    role_name: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_ids: Sequence[pulumi.Input[str]]
    volume: Volume
    reservation_ids: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    def spec(self) -> dict[str, Any]:
        """`spec` of `karpenter.k8s.aws/v1` EC2NodeClass."""
        spec: dict[str, Any] = {
            "amiSelectorTerms": [{"alias": self.ami_alias}],
            "role": self.role_name,
            "subnetSelectorTerms": [{"id": subnet_id} for subnet_id in self.subnet_ids],
            "securityGroupSelectorTerms": [{"id": group_id} for group_id in self.security_group_ids],
            "associatePublicIPAddress": False,
            # One hop: a pod that is not on the host's network cannot reach the node's own credentials.
            "metadataOptions": {
                "httpEndpoint": "enabled",
                "httpProtocolIPv6": "disabled",
                "httpPutResponseHopLimit": 1,
                "httpTokens": "required",
            },
            "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": _ebs(self.volume)}],
            "tags": dict(self.tags),
        }
        if self.reservation_ids:
            spec["capacityReservationSelectorTerms"] = [{"id": reservation} for reservation in self.reservation_ids]
        if self.volume.throughput_mibps >= FAST_PULL_THROUGHPUT_MIBPS:
            spec["userData"] = FAST_IMAGE_PULL
        return spec


def _ebs(volume: Volume) -> dict[str, Any]:
    return {
        "volumeType": "gp3",
        "volumeSize": f"{volume.gib}Gi",
        "throughput": volume.throughput_mibps,
        "iops": volume.iops,
        "encrypted": True,
        "deleteOnTermination": True,
    }
