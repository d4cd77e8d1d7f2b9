"""Rules about the way in: load balancer, gateway, TLS, routes and their limits."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from infra.policies.charts import RELEASES, is_chart, value_of
from infra.policies.judged import UNKNOWN, Judged, Maybe, Value, at, both, either, has_unknown, items, negate
from infra.policies.rule import (
    Complaints,
    Level,
    StackComplaints,
    expect,
    holds,
    of_kind,
    resource_rule,
    shown,
    stack_rule,
)

GATEWAY: Final = "networking.istio.io:Gateway"
API_GATEWAY: Final = "gateway.networking.k8s.io:Gateway"
ROUTE: Final = "networking.istio.io:VirtualService"
FILTER: Final = "networking.istio.io:EnvoyFilter"
SERVICE: Final = "core:Service"
SCHEME: Final = "service.beta.kubernetes.io/aws-load-balancer-scheme"
BEST_PRACTICES: Final = "Istio security best practices"
TRITON_BODY_LIMIT: Final = 64 * 1024 * 1024
"""Bytes; Triton's own `--http-max-input-size` unless it is told otherwise."""
HIDDEN_PATHS: Final = (
    "/v2/repository/index",
    "/v2/repository/models/m/load",
    "/v2/systemsharedmemory/status",
    "/v2/cudasharedmemory/region/r/register",
    "/v2/logging",
    "/v2/trace/setting",
    "/v2/models/m/trace/setting",
    "/v2/models/m/config",
    "/v2/models/stats",
)
"""Triton's ways to load models, to map memory and to change what it logs; nobody outside needs them."""


def _servers(gateway: Judged) -> Iterator[tuple[Value, Value, Value]]:
    """(hosts, protocol, tls) of each server of an Istio Gateway or listener of a Gateway of the Gateway API."""
    if gateway.kind == GATEWAY:
        for server in items(at(gateway.inputs, "spec", "servers")):
            yield at(server, "hosts"), at(server, "port", "protocol"), at(server, "tls")
        return
    for listener in items(at(gateway.inputs, "spec", "listeners")):
        host = at(listener, "hostname")
        yield [host if host is not None else "*"], at(listener, "protocol"), at(listener, "tls")


@resource_rule(of=(GATEWAY, API_GATEWAY), row=44, sources=(BEST_PRACTICES,))
def gateways_name_their_hosts(gateway: Judged) -> Complaints:
    """A gateway answers for named hosts only."""
    for hosts, _, _ in _servers(gateway):
        named = holds(hosts, lambda value: bool(value) and not any(str(host).split("/")[-1] == "*" for host in value))
        yield from expect(named, f"hosts must be named (got {shown(hosts)})")


@resource_rule(of=(ROUTE,), row=44, sources=(BEST_PRACTICES,))
def routes_name_their_hosts(route: Judged) -> Complaints:
    """A route is for named hosts only."""
    hosts = at(route.inputs, "spec", "hosts")
    named = holds(hosts, lambda value: bool(value) and "*" not in value)
    yield from expect(named, f"spec.hosts must be named (got {shown(hosts)})")


@resource_rule(of=(GATEWAY, API_GATEWAY), row=46, sources=("CIS EKS 5.4.5", BEST_PRACTICES))
def gateways_speak_tls(gateway: Judged) -> Complaints:
    """A gateway speaks TLS; plain HTTP only to send callers on to it."""
    for _, protocol, tls in _servers(gateway):
        secure = holds(protocol, lambda value: str(value).upper() in ("HTTPS", "TLS"))
        redirects = holds(at(tls, "httpsRedirect"), lambda value: value is True)
        yield from expect(
            either((secure, redirects)), f"protocol must be HTTPS, or redirect to it (got {shown(protocol)})"
        )
        yield from expect(
            holds(at(tls, "mode"), lambda value: value != "PASSTHROUGH"), "tls.mode PASSTHROUGH hides who calls"
        )


@resource_rule(of=(GATEWAY,), row=46, sources=("CIS EKS 5.4.5", BEST_PRACTICES))
def gateways_refuse_old_tls(gateway: Judged) -> Complaints:
    """A gateway says the least version of TLS that it takes: 1.2 or 1.3."""
    for _, protocol, tls in _servers(gateway):
        plain = holds(protocol, lambda value: str(value).upper() not in ("HTTPS", "TLS"))
        least = at(tls, "minProtocolVersion")
        recent = holds(least, lambda value: value in ("TLSV1_2", "TLSV1_3"))
        yield from expect(
            either((plain, recent)), f"tls.minProtocolVersion must be TLSV1_2 or TLSV1_3 (got {shown(least)})"
        )


def _answers_itself(http: Value) -> Maybe:
    """Whether the gateway answers without asking anybody."""
    return either(holds(at(http, field), bool) for field in ("redirect", "directResponse"))


@resource_rule(of=(ROUTE,), row=56, sources=("Envoy edge guide",))
def routes_time_out(route: Judged) -> Complaints:
    """A route gives up after a stated time."""
    for http in items(at(route.inputs, "spec", "http")):
        answered = _answers_itself(http)
        timeout = at(http, "timeout")
        stated = holds(timeout, lambda value: value is not None and not re.fullmatch(r"0+(\.0+)?m?s", str(value)))
        yield from expect(either((answered, stated)), f"spec.http[].timeout must be above 0s (got {shown(timeout)})")


@resource_rule(of=(ROUTE,), row=61, sources=("Triton inference protocols", "Triton deployment guide"))
def routes_show_inference_only(route: Judged) -> Complaints:
    """A route shows what inference needs; Triton's ways to load models or to map memory stay inside."""
    for http in items(at(route.inputs, "spec", "http")):
        named = holds(at(http, "match"), bool)
        yield from expect(either((_answers_itself(http), named)), "spec.http[].match must name paths (got nothing)")
        for match in items(at(http, "match")):
            uri = at(match, "uri")
            shows = holds(uri, _shows)
            yield from expect(
                negate(shows), f"spec.http[].match[].uri reaches Triton's administration (got {shown(uri)})"
            )


def _shows(uri: Value) -> bool:
    """Whether a match of paths lets one of the hidden ones through."""
    if not uri:
        return True
    if at(uri, "exact") is not None:
        return uri["exact"] in HIDDEN_PATHS
    if at(uri, "regex") is not None:
        return any(re.fullmatch(str(uri["regex"]), path) for path in HIDDEN_PATHS)
    return any(path.startswith(str(uri.get("prefix", ""))) for path in HIDDEN_PATHS)


@resource_rule(of=(ROUTE,), row=62, sources=("Triton deployment guide",))
def metrics_stay_inside(route: Judged) -> Complaints:
    """No route leads to the metrics."""
    for http in items(at(route.inputs, "spec", "http")):
        for target in [*items(at(http, "route")), *items(at(http, "mirrors")), at(http, "mirror")]:
            port = at(target, "destination", "port", "number")
            inside = holds(port, lambda value: value is None or int(value) != 8002)
            yield from expect(inside, "spec.http[].route[] leads to port 8002")


@resource_rule(of=(SERVICE,), row=None, sources=("EKS guide: network", "SecurityHub ELB"))
def load_balancers_are_internal(service: Judged) -> Complaints:
    """A load balancer is reached from inside the network only."""
    balances = holds(at(service.inputs, "spec", "type"), lambda value: value == "LoadBalancer")
    scheme = at(service.inputs, "metadata", "annotations", SCHEME)
    internal = holds(scheme, lambda value: value == "internal")
    yield from expect(
        either((negate(balances), internal)), f"annotation {SCHEME} must be internal (got {shown(scheme)})"
    )


@stack_rule(of=RELEASES, row=None, sources=("EKS guide: network", "SecurityHub ELB"))
def gateway_charts_are_internal(resources: Sequence[Judged]) -> StackComplaints:
    """The load balancer of Istio's gateway chart is reached from inside the network only."""
    for release in of_kind(resources, *RELEASES):
        kind = value_of(release, "service", "type")
        scheme = value_of(release, "service", "annotations", SCHEME)
        concerned = both(is_chart(release, "gateway"), holds(kind, lambda value: value in (None, "LoadBalancer")))
        internal = holds(scheme, lambda value: value == "internal")
        message = f"values.service.annotations[{SCHEME}] must be internal (got {shown(scheme)})"
        for complaint in expect(either((negate(concerned), internal)), message):
            yield release, complaint


def values_of_key(value: Value, key: str) -> Iterator[Value]:
    """All values under a key, however deep."""
    if value is UNKNOWN:
        yield UNKNOWN
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from values_of_key(inner, key)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from values_of_key(inner, key)


@stack_rule(of=(GATEWAY, API_GATEWAY), row=58, sources=("Triton: --http-max-input-size", "Envoy buffer filter"))
def bodies_are_bounded_at_the_edge(resources: Sequence[Judged]) -> StackComplaints:
    """The gateway refuses bodies that Triton would refuse."""
    limits = [limit for f in of_kind(resources, FILTER) for limit in values_of_key(f.inputs, "max_request_bytes")]
    bounded = either(holds(limit, lambda value: 0 < int(value) <= TRITON_BODY_LIMIT) for limit in limits)
    for complaint in expect(bounded, f"no EnvoyFilter sets max_request_bytes of at most {TRITON_BODY_LIMIT}"):
        yield None, complaint


@stack_rule(of=(GATEWAY, API_GATEWAY), row=None, sources=("OWASP API4", "Envoy local rate limit"), level=Level.ADVISORY)
def callers_are_limited_at_the_edge(resources: Sequence[Judged]) -> StackComplaints:
    """The gateway limits how much it takes in a time, so that one caller cannot starve the others."""
    filters = of_kind(resources, FILTER)
    limited: list[Maybe] = [UNKNOWN if has_unknown(f.inputs) else "local_ratelimit" in str(f.inputs) for f in filters]
    for complaint in expect(either(limited), "no EnvoyFilter holds a local rate limit"):
        yield None, complaint


RULES: Final = (
    gateways_name_their_hosts,
    routes_name_their_hosts,
    gateways_speak_tls,
    gateways_refuse_old_tls,
    routes_time_out,
    routes_show_inference_only,
    metrics_stay_inside,
    load_balancers_are_internal,
    gateway_charts_are_internal,
    bodies_are_bounded_at_the_edge,
    callers_are_limited_at_the_edge,
)
