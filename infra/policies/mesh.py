"""Rules about the mesh: mutual TLS everywhere, and how istiod is set."""

from collections.abc import Iterator, Sequence
from typing import Final

from infra.policies.charts import RELEASES, is_chart, value_of
from infra.policies.judged import UNKNOWN, Judged, Maybe, Value, at, both, either, items, negate
from infra.policies.namespaces import NETWORK_POLICY, denies_all
from infra.policies.pod_views import namespace
from infra.policies.rule import (
    Complaints,
    Level,
    StackComplaints,
    expect,
    expect_is,
    holds,
    of_kind,
    resource_rule,
    shown,
    stack_rule,
)

PEER: Final = "security.istio.io:PeerAuthentication"
AUTHORIZATION: Final = "security.istio.io:AuthorizationPolicy"
DESTINATION: Final = "networking.istio.io:DestinationRule"
BEST_PRACTICES: Final = "Istio security best practices"
OPEN_PORTS: Final = frozenset({8080, 15010})
"""Ports of istiod's that speak plain text to anybody."""
METRICS_PORTS: Final = frozenset({"8002"})
"""Triton's metrics, which Prometheus may read without being in the mesh; a network policy says who reaches it."""


@resource_rule(of=(PEER,), row=37, sources=(BEST_PRACTICES, "EKS guide: network"))
def peers_speak_mutual_tls(peer: Judged) -> Complaints:
    """Nothing in the mesh accepts plain text; only the port of the metrics may be left out."""
    yield from expect_is(at(peer.inputs, "spec", "mtls", "mode"), "STRICT", "spec.mtls.mode")
    ports = at(peer.inputs, "spec", "portLevelMtls")
    if ports is UNKNOWN:
        yield UNKNOWN
        return
    for port, mtls in (ports or {}).items():
        strict = holds(at(mtls, "mode"), lambda value: value == "STRICT")
        yield from expect(either((strict, str(port) in METRICS_PORTS)), f"spec.portLevelMtls[{port}] must be STRICT")


@stack_rule(of=RELEASES, row=37, sources=(BEST_PRACTICES,))
def the_whole_mesh_is_strict(resources: Sequence[Judged]) -> StackComplaints:
    """Where istiod is installed, a policy without selector in its namespace makes the whole mesh strict."""
    for istiod, installs in _istiods(resources):
        meshwide = either(
            both(
                holds([namespace(peer), at(istiod.inputs, "namespace")], lambda pair: pair[0] == pair[1]),
                holds(at(peer.inputs, "spec", "selector"), lambda value: not value),
                holds(at(peer.inputs, "spec", "mtls", "mode"), lambda value: value == "STRICT"),
            )
            for peer in of_kind(resources, PEER)
        )
        for complaint in expect(either((negate(installs), meshwide)), "no mesh-wide PeerAuthentication is STRICT"):
            yield istiod, complaint


@stack_rule(of=RELEASES, row=38, sources=(BEST_PRACTICES, "EKS guide: network"))
def the_mesh_allows_nothing_by_default(resources: Sequence[Judged]) -> StackComplaints:
    """Where istiod is installed, an empty policy in its namespace allows nothing: what is not named is refused."""
    for istiod, installs in _istiods(resources):
        nothing = either(
            both(_same(namespace(policy), at(istiod.inputs, "namespace")), _is_nothing(policy))
            for policy in of_kind(resources, AUTHORIZATION)
        )
        message = "no AuthorizationPolicy with an empty spec in istiod's namespace"
        for complaint in expect(either((negate(installs), nothing)), message):
            yield istiod, complaint


def _is_nothing(policy: Judged) -> Maybe:
    """Allows nothing to the whole mesh: no selector, no target, no rule."""
    return holds(
        at(policy.inputs, "spec"),
        lambda spec: (
            not any(at(spec, field) for field in ("selector", "targetRefs", "targetRef", "rules"))
            and at(spec, "action") in (None, "ALLOW")
        ),
    )


def _istiods(resources: Sequence[Judged]) -> Iterator[tuple[Judged, Maybe]]:
    for release in of_kind(resources, *RELEASES):
        installs = is_chart(release, "istiod")
        if installs is not False:
            yield release, installs


def _of_istiod(resources: Sequence[Judged], path: tuple[str, ...], wanted: Value, why: str) -> StackComplaints:
    """A value of istiod's chart, which takes those of the control plane also beneath `pilot`."""
    for istiod, installs in _istiods(resources):
        values = [value_of(istiod, *path), value_of(istiod, "pilot", *path)]
        right = either(holds(value, lambda known: str(known).lower() == str(wanted).lower()) for value in values)
        message = f"values.{'.'.join(path)} must be {shown(wanted)} (got {shown(values[0])}): {why}"
        for complaint in expect(either((negate(installs), right)), message):
            yield istiod, complaint


@stack_rule(of=RELEASES, row=36, sources=(BEST_PRACTICES, "PSS restricted"))
def pods_need_no_network_rights(resources: Sequence[Judged]) -> StackComplaints:
    """Istio's CNI plugin redirects traffic, so that no pod needs NET_ADMIN and `restricted` can be enforced."""
    yield from _of_istiod(resources, ("cni", "enabled"), True, "else each pod has an init container with NET_ADMIN")
    cni = either(is_chart(release, "cni") for release in of_kind(resources, *RELEASES))
    for istiod, installs in _istiods(resources):
        for complaint in expect(
            either((negate(installs), cni)), "istiod counts on the chart `cni`, which is not installed"
        ):
            yield istiod, complaint


@stack_rule(of=RELEASES, row=43, sources=(BEST_PRACTICES, "Envoy edge guide"))
def paths_are_normalised(resources: Sequence[Judged]) -> StackComplaints:
    """Paths are decoded and their slashes merged before a policy looks at them."""
    path = ("meshConfig", "pathNormalization", "normalization")
    yield from _of_istiod(resources, path, "DECODE_AND_MERGE_SLASHES", "else %2F and // go round a policy")


@stack_rule(of=RELEASES, row=48, sources=(BEST_PRACTICES,))
def istiod_listens_to_nobody_unknown(resources: Sequence[Judged]) -> StackComplaints:
    """The ports of istiod that ask for no identity (8080 debugging, 15010 plain xDS) are closed by network policies."""
    for istiod, installs in _istiods(resources):
        own = [
            (policy, _same(namespace(policy), at(istiod.inputs, "namespace")))
            for policy in of_kind(resources, NETWORK_POLICY)
        ]
        denied = either(both(here, denies_all(policy)) for policy, here in own)
        opened = either(both(here, _opens(policy, OPEN_PORTS)) for policy, here in own)
        closed = both(denied, negate(opened))
        message = "its namespace needs a NetworkPolicy that denies all, and none that opens 8080 or 15010"
        for complaint in expect(either((negate(installs), closed)), message):
            yield istiod, complaint


def _same(one: Value, other: Value) -> Maybe:
    return holds([one, other], lambda pair: pair[0] == pair[1])


def _opens(policy: Judged, ports: frozenset[int]) -> Maybe:
    """Whether the policy lets somebody in to one of the ports."""
    outcomes: list[Maybe] = []
    for rule in items(at(policy.inputs, "spec", "ingress")):
        allowed = items(at(rule, "ports"))
        if not allowed:
            outcomes.append(UNKNOWN if rule is UNKNOWN else True)
        outcomes += [holds(at(port, "port"), lambda number: number is None or int(number) in ports) for port in allowed]
    return either(outcomes)


@stack_rule(of=RELEASES, row=49, sources=(BEST_PRACTICES, "EKS guide: network"))
def pods_call_registered_hosts_only(resources: Sequence[Judged]) -> StackComplaints:
    """Pods of the mesh call registered hosts only; a network policy beside it is the boundary."""
    yield from _of_istiod(
        resources, ("meshConfig", "outboundTrafficPolicy", "mode"), "REGISTRY_ONLY", "any host can be called"
    )


@resource_rule(of=(DESTINATION,), row=47, sources=(BEST_PRACTICES,))
def origins_of_tls_check_certificates(destination: Judged) -> Complaints:
    """Who starts TLS towards a host outside checks its certificate."""
    policy = at(destination.inputs, "spec", "trafficPolicy")
    subsets = [at(subset, "trafficPolicy") for subset in items(at(destination.inputs, "spec", "subsets"))]
    for tls in (at(part, "tls") for part in (policy, *subsets)):
        plain = holds(at(tls, "mode"), lambda value: value not in ("SIMPLE", "MUTUAL"))
        checked = holds([at(tls, "caCertificates"), at(tls, "credentialName")], any)
        yield from expect(either((plain, checked)), "tls needs caCertificates or credentialName")
        careful = holds(at(tls, "insecureSkipVerify"), lambda value: not value)
        yield from expect(careful, "tls.insecureSkipVerify is true")


@resource_rule(of=(DESTINATION,), row=37, sources=(BEST_PRACTICES,))
def nobody_turns_mutual_tls_off(destination: Judged) -> Complaints:
    """No rule for a destination turns mutual TLS off."""
    policy = at(destination.inputs, "spec", "trafficPolicy")
    for tls in (at(part, "tls") for part in (policy, *items(at(policy, "portLevelSettings")))):
        yield from expect(holds(at(tls, "mode"), lambda value: value != "DISABLE"), "tls.mode DISABLE sends plain text")


@stack_rule(of=RELEASES, row=50, sources=("Istio: pilot metrics",), level=Level.ADVISORY)
def refused_configuration_raises_an_alert(resources: Sequence[Judged]) -> StackComplaints:
    """An alert tells when proxies refuse what istiod sends them."""
    rules = of_kind(resources, "monitoring.coreos.com:PrometheusRule")
    told = either(holds(rule.inputs, lambda inputs: "pilot_total_xds_rejects" in str(inputs)) for rule in rules)
    for istiod, installs in _istiods(resources):
        for complaint in expect(either((negate(installs), told)), "no PrometheusRule looks at pilot_total_xds_rejects"):
            yield istiod, complaint


RULES: Final = (
    peers_speak_mutual_tls,
    the_whole_mesh_is_strict,
    the_mesh_allows_nothing_by_default,
    pods_need_no_network_rights,
    paths_are_normalised,
    istiod_listens_to_nobody_unknown,
    pods_call_registered_hosts_only,
    origins_of_tls_check_certificates,
    nobody_turns_mutual_tls_off,
    refused_configuration_raises_an_alert,
)
