import pytest

from infra import versions
from infra.nodes.images import SHIPPED, NodeImage


def test_one_release_has_both_names() -> None:
    image = NodeImage(kubernetes="1.35.7", release_date="20260903", source="")
    assert (image.release_version, image.alias) == ("1.35.7-20260903", "al2023@v20260903")


def test_the_shipped_image_is_of_the_shipped_kubernetes() -> None:
    assert SHIPPED.kubernetes.startswith(f"{versions.KUBERNETES}.")


@pytest.mark.parametrize(("cluster", "fits"), [("1.34", False), ("1.35", True), ("1.38", True), ("1.39", False)])
def test_nodes_are_never_ahead_of_their_cluster_nor_far_behind(cluster: str, fits: bool) -> None:
    image = NodeImage(kubernetes="1.35.7", release_date="20260903", source="")
    if fits:
        image.check_skew(cluster)
        return
    with pytest.raises(ValueError, match=f"cluster of {cluster}"):
        image.check_skew(cluster)


@pytest.mark.parametrize(("kubernetes", "day"), [("1.35", "20260903"), ("1.35.7", "latest"), ("1.35.7", "2026-09-03")])
def test_a_name_that_floats_is_refused(kubernetes: str, day: str) -> None:
    with pytest.raises(ValueError, match="allowed"):
        NodeImage(kubernetes=kubernetes, release_date=day, source="")
