from infra.nodes.instance_types import instance_type
from infra.nodes.placement import CPU, GPU, node_labels


def test_pods_of_a_pool_answer_its_nodes() -> None:
    for placement in (CPU, GPU):
        taint = placement.taint.body()
        (toleration,) = placement.tolerations
        assert {key: toleration[key] for key in taint} == taint
        labels = node_labels(placement, instance_type("g6.4xlarge" if placement.has_gpu else "m5.2xlarge"))
        assert placement.node_selector.items() <= labels.items()


def test_gpu_nodes_say_so() -> None:
    assert GPU.taint.body() == {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}
    assert node_labels(GPU, instance_type("g6.4xlarge")) == {
        "stillhouse.dev/pool": "gpu",
        "stillhouse.dev/accelerator": "l4",
        "nvidia.com/gpu.present": "true",
    }


def test_no_pool_is_open_to_system_pods() -> None:
    assert CPU.taint.body() == {"key": "stillhouse.dev/pool", "value": "cpu", "effect": "NoSchedule"}
