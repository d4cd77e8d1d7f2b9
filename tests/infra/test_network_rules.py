"""Rules of the network as bodies: closed by default, open only where a rule says so."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.network_rules import Allow, Port, deny_all, dns, metrics, policy, to_https, webhook, within

NAMES = st.lists(st.sampled_from(["a", "b", "c"]), unique=True)
RULES = st.builds(
    Allow,
    name=st.just("rule"),
    incoming=st.booleans(),
    ports=st.lists(st.integers(1, 65535).map(lambda number: Port(number=number)), max_size=3),
    namespaces=NAMES,
    cidrs=st.lists(st.sampled_from(["10.0.0.0/8", "0.0.0.0/0"]), unique=True),
)


def _shape(rule: Allow) -> tuple[list[str], list[Any], list[Any]]:
    spec = policy(rule)
    assert isinstance(spec.policy_types, list)
    inward, outward = spec.ingress or [], spec.egress or []
    assert isinstance(inward, list)
    assert isinstance(outward, list)
    return spec.policy_types, inward, outward


@given(RULES)
def test_a_rule_opens_one_direction_only(rule: Allow) -> None:
    types, inward, outward = _shape(rule)
    assert types == (["Ingress"] if rule.incoming else ["Egress"])
    assert (len(inward), len(outward)) == ((1, 0) if rule.incoming else (0, 1))


@given(RULES)
def test_a_rule_opens_exactly_its_ports_to_exactly_its_peers(rule: Allow) -> None:
    _, inward, outward = _shape(rule)
    opened = (inward + outward)[0]
    peers = (opened.from_ if rule.incoming else opened.to) or []
    assert len(peers) == len(rule.namespaces) + len(rule.cidrs)
    assert [port.port for port in opened.ports or []] == [port.number for port in rule.ports]


def test_the_default_allows_nothing_either_way() -> None:
    spec = deny_all()
    assert (spec.policy_types, spec.ingress, spec.egress) == (["Ingress", "Egress"], [], [])


def test_nobody_is_sent_to_the_instance_metadata() -> None:
    rule = to_https()
    assert rule.excluded_cidrs == ("169.254.169.254/32",)
    assert [port.number for port in rule.ports] == [443]


def test_usual_rules_name_one_end() -> None:
    assert dns().namespaces == ("kube-system",)
    assert metrics(8002, prometheus_namespace="m").namespaces == ("m",)
    assert not webhook(9443).namespaces
    assert [rule.incoming for rule in within("n")] == [True, False]
