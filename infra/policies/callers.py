"""Rules about who may call whom: tokens at the gateway, peers at the models, nothing for anybody else."""

from collections.abc import Iterator, Sequence
from typing import Final

from infra.policies.judged import UNKNOWN, Judged, Maybe, Value, at, both, either, has_unknown, items, negate
from infra.policies.mesh import AUTHORIZATION, BEST_PRACTICES
from infra.policies.pod_views import SERVICE, labels_of_pods, namespace
from infra.policies.rule import (
    Complaints,
    StackComplaints,
    expect,
    holds,
    of_kind,
    resource_rule,
    shown,
    stack_rule,
)

REQUEST: Final = "security.istio.io:RequestAuthentication"
NEGATIVE: Final = (
    "notPrincipals",
    "notRequestPrincipals",
    "notNamespaces",
    "notIpBlocks",
    "notRemoteIpBlocks",
    "notServiceAccounts",
    "notHosts",
    "notPorts",
    "notMethods",
    "notPaths",
    "notValues",
)


def _action(policy: Judged) -> Value:
    action = at(policy.inputs, "spec", "action")
    return "ALLOW" if action is None else action


def _matches(policy: Judged) -> Iterator[Value]:
    """Every `source`, `operation` and `when` of the policy's rules."""
    for rule in items(at(policy.inputs, "spec", "rules")):
        yield from (at(source, "source") for source in items(at(rule, "from")))
        yield from (at(operation, "operation") for operation in items(at(rule, "to")))
        yield from items(at(rule, "when"))


@resource_rule(of=(AUTHORIZATION,), row=38, sources=(BEST_PRACTICES,))
def allowing_is_said_positively(policy: Judged) -> Complaints:
    """A policy that allows says whom and what, never whom and what not."""
    for match in _matches(policy):
        positive = holds(match, lambda value: not any(field in (value or {}) for field in NEGATIVE))
        allows = holds(_action(policy), lambda value: value == "ALLOW")
        yield from expect(
            either((positive, negate(allows))), f"an ALLOW policy must match positively (got {shown(match)})"
        )


def _selector(resource: Judged) -> Value:
    """What a policy is attached to: labels, or targets by kind and name."""
    spec = at(resource.inputs, "spec")
    if has_unknown(spec):
        return UNKNOWN
    targets = items(at(spec, "targetRefs")) or items(at(spec, "targetRef"))
    return {
        "namespace": namespace(resource),
        "labels": at(spec, "selector", "matchLabels") or {},
        "targets": sorted((str(at(t, "kind")), str(at(t, "name"))) for t in targets),
    }


def _asks_who(policy: Judged) -> Maybe:
    """Refuses whoever brings no token: allows named principals only, or denies those without one."""
    rules = at(policy.inputs, "spec", "rules")
    if has_unknown(rules) or _action(policy) is UNKNOWN:
        return UNKNOWN
    sources = [[at(source, "source") or {} for source in items(at(rule, "from"))] for rule in items(rules)]
    if _action(policy) == "DENY":
        return any(source.get("notRequestPrincipals") for rule in sources for source in rule)
    if _action(policy) != "ALLOW" or not sources:
        return False
    return all(rule and all(source.get("requestPrincipals") for source in rule) for rule in sources)


@stack_rule(of=(REQUEST,), row=39, sources=("Istio RequestAuthentication reference",))
def tokens_are_required(resources: Sequence[Judged]) -> StackComplaints:
    """A RequestAuthentication alone lets requests without a token pass: a policy on the same selector asks for one."""
    for request in of_kind(resources, REQUEST):
        required = either(
            both(
                holds([_selector(policy), _selector(request)], lambda pair: pair[0] == pair[1]),
                _asks_who(policy),
            )
            for policy in of_kind(resources, AUTHORIZATION)
        )
        message = "no AuthorizationPolicy with the same selector requires requestPrincipals"
        for complaint in expect(required, message):
            yield request, complaint


@stack_rule(of=(REQUEST,), row=39, sources=("Istio RequestAuthentication reference",))
def nothing_is_allowed_without_a_token(resources: Sequence[Judged]) -> StackComplaints:
    """Policies that allow add up: on the selector of a RequestAuthentication none allows a caller without a token."""
    for request in of_kind(resources, REQUEST):
        for policy in of_kind(resources, AUTHORIZATION):
            elsewhere = holds([_selector(policy), _selector(request)], lambda pair: pair[0] != pair[1])
            silent = holds(at(policy.inputs, "spec", "rules"), lambda rules: not rules)
            other = holds(_action(policy), lambda action: action != "ALLOW")
            outcome = either((elsewhere, silent, other, _asks_who(policy)))
            for complaint in expect(
                outcome, f"a rule allows callers without a token where {request.name} checks tokens"
            ):
                yield policy, complaint


@resource_rule(of=(REQUEST,), row=41, sources=("Envoy jwt_authn reference",))
def tokens_are_for_us(request: Judged) -> Complaints:
    """A token's issuer, audience and keys are checked; without audiences a token for anybody is good here."""
    for rule in items(at(request.inputs, "spec", "jwtRules")) or [None]:
        yield from expect(holds(at(rule, "issuer"), bool), "spec.jwtRules[].issuer is missing")
        yield from expect(holds(at(rule, "audiences"), bool), "spec.jwtRules[].audiences is missing")
        keys = [at(rule, "jwksUri"), at(rule, "jwks")]
        safe = either((holds(keys[0], lambda value: str(value).startswith("https://")), holds(keys[1], bool)))
        yield from expect(safe, f"spec.jwtRules[].jwksUri must be https:// (got {shown(keys[0])})")


@resource_rule(of=(REQUEST,), row=41, sources=("Envoy jwt_authn reference", "OWASP API2"))
def tokens_come_in_headers(request: Judged) -> Complaints:
    """A token comes in a header: one in the query ends up in logs."""
    for rule in items(at(request.inputs, "spec", "jwtRules")):
        yield from expect(
            holds(at(rule, "fromParams"), lambda value: not value), "spec.jwtRules[].fromParams must be left out"
        )


@stack_rule(of=(SERVICE,), row=42, sources=("Istio: traffic capture limits", BEST_PRACTICES))
def models_answer_known_peers_only(resources: Sequence[Judged]) -> StackComplaints:
    """The pods of a model have a policy of their own that names its callers: going round the gateway is refused."""
    for served in of_kind(resources, SERVICE):
        guarded = either(
            both(
                holds([namespace(policy), namespace(served)], lambda pair: pair[0] == pair[1]),
                holds(_action(policy), lambda value: value == "ALLOW"),
                _selects(policy, served),
                _names_peers(policy),
            )
            for policy in of_kind(resources, AUTHORIZATION)
        )
        for complaint in expect(guarded, "no AuthorizationPolicy on its pods names the peers that may call"):
            yield served, complaint


def _selects(policy: Judged, served: Judged) -> Maybe:
    labels = at(policy.inputs, "spec", "selector", "matchLabels")
    return holds(
        [labels, labels_of_pods(served)],
        lambda pair: bool(pair[0]) and all((pair[1] or {}).get(key) == value for key, value in pair[0].items()),
    )


def _names_peers(policy: Judged) -> Maybe:
    rules = at(policy.inputs, "spec", "rules")
    fields = ("principals", "serviceAccounts")
    return holds(
        rules,
        lambda known: (
            bool(known)
            and all(
                at(rule, "from") and all(any(at(s, "source", field) for field in fields) for s in at(rule, "from"))
                for rule in known
            )
        ),
    )


RULES: Final = (
    allowing_is_said_positively,
    tokens_are_required,
    nothing_is_allowed_without_a_token,
    tokens_are_for_us,
    tokens_come_in_headers,
    models_answer_known_peers_only,
)
