"""Kubernetes' quantities, read as Kubernetes reads them."""

import pytest

from stacks.bill.quantities import cores, gib


@pytest.mark.parametrize(
    ("text", "amount"), [("50Gi", 50), ("512Mi", 0.5), ("1Ti", 1024), ("1G", 1e9 / 2**30), (2**30, 1)]
)
def test_gib(text: str | float, amount: float) -> None:
    assert gib(text) == pytest.approx(amount)


@pytest.mark.parametrize(("text", "amount"), [("128", 128), ("250m", 0.25), ("0.5", 0.5), (2, 2)])
def test_cores(text: str | float, amount: float) -> None:
    assert cores(text) == pytest.approx(amount)


@pytest.mark.parametrize("text", ["", "Gi", "5 Gi", "5Xi"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="allowed"):
        gib(text)
    with pytest.raises(ValueError, match="allowed"):
        cores(text)
