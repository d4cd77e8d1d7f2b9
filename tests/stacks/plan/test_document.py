"""The JSON's names are stable."""

import json

import pytest

from stacks.plan.document import document
from tests.stacks.plan.shipped import planned

CASES = ("fixed", "minimum", "expected", "maximum")


def test_names() -> None:
    content = json.loads(json.dumps(document(planned("prod"), seconds=1.234)))
    assert {"stack", "tier", "cost", "capacity", "resources", "findings", "seconds", "fit"} <= content.keys()
    assert content["seconds"] == 1.23
    assert all(content["cost"][f"{case}_usd_per_month"] > 0 for case in CASES)
    assert {"group", "what", "usd_per_month", "source", "read", "assumed"} <= content["cost"]["lines"][0].keys()
    assert content["capacity"][0]["maximum"]["qps"] == 6_400
    assert {"urn", "type", "name", "parent", "protect", "depends_on"} <= content["resources"][0].keys()


@pytest.mark.parametrize("case", CASES)
def test_lines_add_up_to_the_sums(case: str) -> None:
    cost = document(planned("prod"), seconds=0)["cost"]
    total = sum(line["usd_per_month"][case] for line in cost["lines"])
    assert cost[f"{case}_usd_per_month"] == pytest.approx(total, abs=0.01 * len(cost["lines"]))


def test_every_line_has_a_source_and_an_assumed_one_says_what_it_assumes() -> None:
    for line in document(planned("prod"), seconds=0)["cost"]["lines"]:
        assert line["source"].startswith(("https://", "EC2 price table"))
        assert not line["assumed"] or "assumes" in line["note"]
