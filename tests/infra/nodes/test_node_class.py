from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from infra.nodes.node_class import NodeClass, Volume

CLASS = NodeClass(
    ami_alias="al2023@v20260903",
    role_name="nodes",
    subnet_ids=("subnet-1", "subnet-2"),
    security_group_ids=("sg-1",),
    volume=Volume(gib=100, throughput_mibps=600),
    tags={"team": "ml"},
)


def test_machines_are_pinned_private_and_ask_for_tokens() -> None:
    spec = CLASS.spec()
    assert spec["amiSelectorTerms"] == [{"alias": "al2023@v20260903"}]
    assert spec["subnetSelectorTerms"] == [{"id": "subnet-1"}, {"id": "subnet-2"}]
    assert spec["securityGroupSelectorTerms"] == [{"id": "sg-1"}]
    assert spec["associatePublicIPAddress"] is False
    assert spec["metadataOptions"]["httpTokens"] == "required"
    assert spec["metadataOptions"]["httpPutResponseHopLimit"] == 1
    assert spec["tags"] == {"team": "ml"}


def test_the_disk_is_encrypted_and_fast_enough_for_parallel_pulls() -> None:
    (mapping,) = CLASS.spec()["blockDeviceMappings"]
    assert mapping["ebs"] == {
        "volumeType": "gp3",
        "volumeSize": "100Gi",
        "throughput": 600,
        "iops": 3000,
        "encrypted": True,
        "deleteOnTermination": True,
    }
    config = yaml.safe_load(CLASS.spec()["userData"])
    assert (config["kind"], config["spec"]) == ("NodeConfig", {"featureGates": {"FastImagePull": True}})


def test_reservations_are_selected_only_where_there_are_any() -> None:
    assert "capacityReservationSelectorTerms" not in CLASS.spec()
    reserved = NodeClass(
        ami_alias="al2023@v20260903",
        role_name="nodes",
        subnet_ids=("subnet-1",),
        security_group_ids=("sg-1",),
        volume=Volume(gib=50),
        reservation_ids=("cr-1",),
    ).spec()
    assert reserved["capacityReservationSelectorTerms"] == [{"id": "cr-1"}]


@pytest.mark.parametrize(("throughput", "parallel"), [(125, False), (599, False), (600, True)])
def test_images_are_pulled_in_parallel_only_onto_fast_disks(throughput: int, parallel: bool) -> None:
    spec = replace(CLASS, volume=Volume(gib=100, throughput_mibps=throughput)).spec()
    assert ("userData" in spec) is parallel


@given(st.integers(min_value=125, max_value=2000))
def test_a_volume_has_the_operations_that_its_throughput_asks_for(throughput: int) -> None:
    volume = Volume(gib=100, throughput_mibps=throughput)
    assert volume.iops >= max(3000, 4 * throughput)
    assert volume.iops <= 16000


@pytest.mark.parametrize(("gib", "throughput", "unit"), [(100, 124, "MiB/s"), (100, 2001, "MiB/s"), (19, 125, "GiB")])
def test_wrong_volumes_are_refused(gib: int, throughput: int, unit: str) -> None:
    with pytest.raises(ValueError, match=unit):
        Volume(gib=gib, throughput_mibps=throughput)
