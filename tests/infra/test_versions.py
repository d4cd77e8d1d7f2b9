"""The table of versions: nothing in it floats, and what floats is found."""

from dataclasses import replace
from datetime import date

import pytest

from infra.versions import (
    ADD_ONS,
    CHARTS,
    GATEWAY_API,
    IMAGES,
    ISTIOD,
    KEDA,
    KSERVE_CRD,
    KUBERNETES,
    SHIPPED,
    TRITON,
    VPC_CNI,
    Image,
    Pin,
    floating_pins,
    image_problem,
)

DIGEST = "sha256:" + "0" * 64


def test_nothing_shipped_floats() -> None:
    assert floating_pins(SHIPPED) == []


def test_everything_is_in_the_table_once_with_date_and_source() -> None:
    assert len(SHIPPED) == len(CHARTS) + len(ADD_ONS) + len(IMAGES) + 1
    for pin in SHIPPED:
        assert date(2026, 1, 1) <= pin.released <= date(2026, 11, 20)
        assert pin.source


@pytest.mark.parametrize(
    "pin",
    [
        replace(KEDA, version="latest"),
        replace(KEDA, version="^2.20.0"),
        replace(KEDA, version="2.20.x"),
        replace(KEDA, version=">=2.0.0"),
        replace(KEDA, version=""),
        replace(VPC_CNI, version="latest"),
        replace(VPC_CNI, version="v1.22.3"),
        replace(
            GATEWAY_API, url="https://github.com/kubernetes-sigs/gateway-api/releases/latest/standard-install.yaml"
        ),
        replace(TRITON, tag="latest"),
        replace(TRITON, tag=""),
        replace(TRITON, digest="sha256:abc"),
        replace(TRITON, digest=None, undigested=""),
    ],
)
def test_a_floating_pin_is_found(pin: Pin) -> None:
    assert len(floating_pins([pin])) >= 1


def test_an_image_without_a_digest_needs_a_reason_and_has_no_reference() -> None:
    image = replace(TRITON, digest=None, undigested="asked for an account")
    assert floating_pins([image]) == []
    assert image.reference is None


def test_a_reference_names_tag_and_digest() -> None:
    image = Image(repository="r.example/a", tag="1.0", digest=DIGEST, released=date(2026, 1, 1), source="here")
    assert image.reference == f"r.example/a:1.0@{DIGEST}"
    assert image_problem(image.reference) is None


@pytest.mark.parametrize("reference", ["a:latest", "a", f"@{DIGEST}", "a@sha256:12", "a@md5:0123", ""])
def test_an_image_that_may_change_has_a_problem(reference: str) -> None:
    assert image_problem(reference)


def test_charts_are_asked_for_as_helm_wants_them() -> None:
    assert KSERVE_CRD.reference == "oci://ghcr.io/kserve/charts/kserve-crd"
    assert ISTIOD.reference == "istiod"
    assert not ISTIOD.is_oci


def test_add_ons_are_of_the_clusters_version() -> None:
    assert {add_on.kubernetes for add_on in ADD_ONS.values()} == {KUBERNETES}
    assert ADD_ONS["kube-proxy"].version.startswith(f"v{KUBERNETES}.")
