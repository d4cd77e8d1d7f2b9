"""What the EC2 types that pools may use hold; a pool's limit in nodes becomes a limit in cores, memory and GPUs."""

from dataclasses import dataclass

SOURCE = "https://aws.amazon.com/ec2/instance-types/ (2026-11)"


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceType:
    """One EC2 type."""

    name: str
    vcpus: int
    memory_gib: int
    gpus: int = 0
    gpu_name: str = ""
    """As Karpenter's label `karpenter.k8s.aws/instance-gpu-name` has it; empty without a GPU."""


TYPES = tuple(
    InstanceType(name=name, vcpus=vcpus, memory_gib=memory_gib, gpus=gpus, gpu_name=gpu_name)
    for name, vcpus, memory_gib, gpus, gpu_name in (
        ("m5.large", 2, 8, 0, ""),
        ("m5.xlarge", 4, 16, 0, ""),
        ("m5.2xlarge", 8, 32, 0, ""),
        ("m5.4xlarge", 16, 64, 0, ""),
        ("m6i.large", 2, 8, 0, ""),
        ("m6i.xlarge", 4, 16, 0, ""),
        ("m6i.2xlarge", 8, 32, 0, ""),
        ("m6i.4xlarge", 16, 64, 0, ""),
        ("m7i.large", 2, 8, 0, ""),
        ("m7i.xlarge", 4, 16, 0, ""),
        ("m7i.2xlarge", 8, 32, 0, ""),
        ("m7i.4xlarge", 16, 64, 0, ""),
        ("c6i.2xlarge", 8, 16, 0, ""),
        ("c6i.4xlarge", 16, 32, 0, ""),
        ("c7i.2xlarge", 8, 16, 0, ""),
        ("c7i.4xlarge", 16, 32, 0, ""),
        ("g4dn.xlarge", 4, 16, 1, "t4"),
        ("g4dn.2xlarge", 8, 32, 1, "t4"),
        ("g4dn.4xlarge", 16, 64, 1, "t4"),
        ("g5.xlarge", 4, 16, 1, "a10g"),
        ("g5.2xlarge", 8, 32, 1, "a10g"),
        ("g5.4xlarge", 16, 64, 1, "a10g"),
        ("g6.xlarge", 4, 16, 1, "l4"),
        ("g6.2xlarge", 8, 32, 1, "l4"),
        ("g6.4xlarge", 16, 64, 1, "l4"),
        ("g6.8xlarge", 32, 128, 1, "l4"),
    )
)
BY_NAME = {instance_type.name: instance_type for instance_type in TYPES}


def instance_type(name: str) -> InstanceType:
    """The type of that name; raises `ValueError` that lists what is known."""
    if name not in BY_NAME:
        raise ValueError(f"instance type: (got {name!r}); allowed are {', '.join(BY_NAME)}")
    return BY_NAME[name]
