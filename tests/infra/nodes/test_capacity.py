import pytest

from infra.nodes.capacity import Capacity, OnDemand, Reservation, Spot, capacity_types, reservation_ids


@pytest.mark.parametrize(
    ("capacity", "types", "ids"),
    [
        (OnDemand(), ["on-demand"], ()),
        (Spot(), ["spot", "on-demand"], ()),
        (Spot(or_on_demand=False), ["spot"], ()),
        (Reservation(ids=("cr-1",)), ["reserved", "on-demand"], ("cr-1",)),
        (Reservation(ids=("cr-1",), or_on_demand=False), ["reserved"], ("cr-1",)),
    ],
)
def test_each_kind_says_what_karpenter_may_buy(capacity: Capacity, types: list[str], ids: tuple[str, ...]) -> None:
    assert capacity_types(capacity) == types
    assert reservation_ids(capacity) == ids


@pytest.mark.parametrize("ids", [(), ("i-1",)])
def test_a_reservation_names_reservations(ids: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="begin with cr-"):
        Reservation(ids=ids)
