from dataclasses import replace

import pytest

from infra import versions
from infra.cluster.releases import BY_VERSION, RELEASES, release_of
from infra.nodes.images import NodeImage

SHIPPED = release_of(versions.KUBERNETES)


def test_each_version_stands_once_and_the_shipped_one_is_among_them() -> None:
    assert len(BY_VERSION) == len(RELEASES)
    assert SHIPPED.image.kubernetes.startswith(f"{versions.KUBERNETES}.")


def test_the_shipped_row_holds_every_add_on_of_the_versions_table() -> None:
    assert {add_on.name: add_on for add_on in SHIPPED.add_ons} == dict(versions.ADD_ONS)


@pytest.mark.parametrize("version", ["1.34", "1.36", "", "latest"])
def test_a_version_without_a_row_is_refused_with_what_there_is_and_how_to_add_one(version: str) -> None:
    with pytest.raises(ValueError, match=r"add its row to infra/cluster/releases\.py") as caught:
        release_of(version)
    assert f"(got {version}); allowed: {', '.join(BY_VERSION)}," in str(caught.value)


def test_a_row_takes_only_what_belongs_to_its_version() -> None:
    with pytest.raises(ValueError, match="got coredns"):
        replace(SHIPPED, coredns=replace(SHIPPED.coredns, kubernetes="1.30"))
    with pytest.raises(ValueError, match="behind the cluster"):
        replace(SHIPPED, image=NodeImage(kubernetes="1.99.0", release_date="20260903", source="nowhere"))
