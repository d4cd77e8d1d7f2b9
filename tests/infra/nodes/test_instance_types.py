import pytest

from infra.nodes.instance_types import TYPES, instance_type


def test_the_usual_workers() -> None:
    cpu, gpu = instance_type("m5.2xlarge"), instance_type("g6.4xlarge")
    assert (cpu.vcpus, cpu.memory_gib, cpu.gpus) == (8, 32, 0)
    assert (gpu.vcpus, gpu.memory_gib, gpu.gpus, gpu.gpu_name) == (16, 64, 1, "l4")


def test_only_types_with_a_gpu_name_one() -> None:
    assert all(bool(found.gpus) == bool(found.gpu_name) for found in TYPES)
    assert len({found.name for found in TYPES}) == len(TYPES)


def test_an_unknown_type_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"got 'm5\.huge'.*m5\.large, .*g6\.8xlarge"):
        instance_type("m5.huge")
