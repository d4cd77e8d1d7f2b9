"""What the plan itself finds."""

import re
from datetime import timedelta

import pytest

from infra import versions
from infra.cluster.support import BY_VERSION
from infra.pods import PodRequests
from infra.policies.rule import Level
from stacks.bill.bill import Bill
from stacks.fit import fit
from stacks.plan.own_findings import bill_findings, fit_findings, placeholder_findings, reach_findings, support_findings
from stacks.settings.read import read_settings
from tests.stacks.bill.samples import settings
from tests.stacks.settings.samples import with_own

HALF = PodRequests(name="half", cpu_millicores=900, memory_mib=100, count=3)


def test_pods_that_do_not_fit_forbid() -> None:
    (found,) = fit_findings(fit([HALF], type_name="m5.large", num_nodes=2))
    assert found.level is Level.MANDATORY
    assert "half" in found.message


def test_pods_that_do_not_survive_are_advised_against() -> None:
    (found,) = fit_findings(fit([HALF], type_name="m5.large", num_nodes=3))
    assert (found.rule, found.level) == ("system-pods-survive", Level.ADVISORY)


def test_pods_that_fit_are_no_finding() -> None:
    assert list(fit_findings(fit([], type_name="m5.large", num_nodes=3))) == []


def test_not_knowing_is_told() -> None:
    (found,) = fit_findings(None)
    assert "nobody knows" in found.message


def test_an_unpriced_type_forbids() -> None:
    (found,) = bill_findings(Bill(lines=(), unpriced=("aws:rds/instance:Instance",), notes=()))
    assert found.level is Level.MANDATORY
    assert "aws:rds/instance:Instance" in found.message


def test_a_private_api_in_a_network_to_come_is_told_before_the_first_update() -> None:
    (found,) = reach_findings(settings())
    assert (found.rule, found.level) == ("first-update-reaches-the-api", Level.ADVISORY)


def test_a_reachable_api_is_no_finding() -> None:
    public = read_settings(with_own("cluster", {"public_access_cidrs": ["203.0.113.0/24"]}))
    assert list(reach_findings(public)) == []
    subnets = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    there = {"kind": "existing", "vpc_id": "vpc-0123456789abcdef0", "private_subnet_ids": subnets}
    assert list(reach_findings(read_settings(with_own("network", there)))) == []


@pytest.mark.parametrize(
    ("days_left", "words"),
    [(91, None), (90, r"ends on .*, in 90 days"), (1, "in 1 days"), (0, "ended on"), (-400, "ended on")],
)
def test_the_end_of_support_is_told_90_days_ahead(days_left: int, words: str | None) -> None:
    day = BY_VERSION[versions.KUBERNETES].standard_until - timedelta(days=days_left)
    found = list(support_findings(settings(), day))
    assert len(found) == (words is not None)
    assert all(re.search(words or "", one.message) and one.level is Level.ADVISORY for one in found)


def test_settings_of_ones_own_are_no_finding() -> None:
    mine = settings()
    edge = mine.edge.model_copy(
        update={
            "hostname": "predict.mine.org",
            "jwt": mine.edge.jwt.model_copy(update={"issuer": "https://mine.org/", "jwks_uri": "https://mine.org/k"}),
        }
    )
    assert list(placeholder_findings(mine.model_copy(update={"edge": edge}))) == []
    assert len(list(placeholder_findings(mine))) == 1
