"""What the plan itself finds."""

from infra.pods import PodRequests
from infra.policies.rule import Level
from stacks.bill.bill import Bill
from stacks.fit import fit
from stacks.plan.own_findings import bill_findings, fit_findings, placeholder_findings, reach_findings
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
