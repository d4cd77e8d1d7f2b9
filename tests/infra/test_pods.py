"""Requests as data: sums, limits, bad amounts."""

import pytest

from infra.pods import Resources, pods


def test_a_pod_asks_for_the_sum_of_its_containers() -> None:
    small = Resources(cpu_millicores=10, memory_mib=32)
    asked = pods("workload", small, Resources(cpu_millicores=5, memory_mib=8), count=3)
    assert (asked.cpu_millicores, asked.memory_mib, asked.count, asked.per_node) == (15, 40, 3, False)


def test_memory_is_limited_and_cpu_is_not() -> None:
    assert Resources(cpu_millicores=10, memory_mib=32).values() == {
        "requests": {"cpu": "10m", "memory": "32Mi"},
        "limits": {"memory": "64Mi"},
    }


@pytest.mark.parametrize(("cpu", "memory", "limit"), [(0, 1, None), (1, 0, None), (1, 64, 32)])
def test_bad_amounts_are_refused(cpu: int, memory: int, limit: int | None) -> None:
    with pytest.raises(ValueError, match=r"\(got .*\); allowed are"):
        Resources(cpu_millicores=cpu, memory_mib=memory, memory_limit_mib=limit)
