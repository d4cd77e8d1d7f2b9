"""Placed pods really fit; what does not fit is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.pods import PodRequests
from model.errors import UserError
from stacks.fit import MANAGED_ADD_ONS, allocatable, fit, place

PODS = st.builds(
    PodRequests,
    name=st.sampled_from("abcdefgh"),
    cpu_millicores=st.integers(1, 1_500),
    memory_mib=st.integers(1, 4_000),
    count=st.integers(1, 4),
    per_node=st.booleans(),
)


def test_an_m5_large_leaves_what_eks_documents() -> None:
    room = allocatable("m5.large")
    assert room.cpu_millicores == 1_930
    assert room.pods == 29
    assert room.memory_mib == pytest.approx(8192 * 0.925 - 574 - 100)


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(UserError, match=r"got x1\.huge"):
        allocatable("x1.huge")


@given(pods=st.lists(PODS, max_size=6, unique_by=lambda pod: pod.name), num_nodes=st.integers(0, 4))
def test_every_pod_is_placed_once_or_left_over_and_no_node_overflows(pods: list[PodRequests], num_nodes: int) -> None:
    room = allocatable("m5.large")
    placed = place(pods, room, num_nodes)
    everywhere = [name for node in placed.nodes for name in node] + list(placed.left_over)
    assert len(everywhere) == len(set(everywhere))
    assert len(everywhere) == sum(pod.count * (num_nodes if pod.per_node else 1) for pod in pods)
    by_name = {pod.name: pod for pod in pods}
    for node in placed.nodes:
        mine = [by_name[name.split("-")[0]] for name in node]
        assert sum(pod.cpu_millicores for pod in mine) <= room.cpu_millicores
        assert sum(pod.memory_mib for pod in mine) <= room.memory_mib
        assert len(mine) <= room.pods


def test_replicas_go_to_different_nodes() -> None:
    placed = place([PodRequests(name="a", cpu_millicores=10, memory_mib=10, count=3)], allocatable("m5.large"), 3)
    assert [len(node) for node in placed.nodes] == [1, 1, 1]


def test_add_ons_alone_fit_on_one_node() -> None:
    found = fit([], type_name="m5.large", num_nodes=1)
    assert found.fits
    assert not found.survives
    assert found.requested.pods == sum(pod.count for pod in MANAGED_ADD_ONS)


def test_a_pod_that_is_larger_than_a_node_is_named() -> None:
    giant = PodRequests(name="giant", cpu_millicores=2_000, memory_mib=1)
    found = fit([giant], type_name="m5.large", num_nodes=3)
    assert found.full.left_over == ("giant",)


def test_the_loss_of_a_node_is_seen() -> None:
    halves = PodRequests(name="half", cpu_millicores=800, memory_mib=100, count=4)
    found = fit([halves], type_name="m5.large", num_nodes=3)
    assert found.fits
    assert not found.survives
