"""Who answers for a model -> Envoy's routes: tester's choice, then the release file's rules, then chance; and copies.

What is chosen and what chance sends goes to different clusters of the same Triton, so that Envoy counts them apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from serving.twin.envoy_tokens import ARM_HEADER, has_role
from serving.twin.envoy_values import Json, discovery
from serving.twin.routing import EntityRule, HeaderRule, Routing, chosen

ROUTES = "stillhouse"
COMPARER = "stillhouse_comparer"
"""Cluster of what compares the shadow's answers; no version's name has an underscore."""
VERSION_HEADER = "x-stillhouse-version"
FALLBACK_HEADER = "x-stillhouse-fallback"
NOT_JSON = "not_json"
"""Key in the metadata of `envoy.filters.http.lua`, which `json_check.lua` sets."""


def routes(routing: Routing) -> Json:
    """The endpoint's few paths; anything else is 404."""
    calls = _calls(routing.model_name)
    host = {
        "name": ROUTES,
        "domains": ["*"],
        "routes": [*(route for call in calls for route in _routes_of(call, routing)), _anything_else()],
    }
    # Only the gateway's own words may come out, and only these go in.
    removed = [ARM_HEADER, VERSION_HEADER, FALLBACK_HEADER]
    configuration = {"name": ROUTES, "virtual_hosts": [host], "request_headers_to_remove": removed}
    return discovery("envoy.config.route.v3.RouteConfiguration", [configuration])


def infer_path(model_name: str) -> str:
    """Where predictions are asked for."""
    return f"/v2/models/{model_name}/infer"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Call:
    path: str
    method: str

    @property
    def has_body(self) -> bool:
        return self.method == "POST"

    def match(self, *headers: Json, **more: object) -> Json:
        method = {"name": ":method", "string_match": {"exact": self.method}}
        return {"path": self.path, "headers": [method, *headers], **more}


def _calls(model_name: str) -> tuple[_Call, ...]:
    path = f"/v2/models/{model_name}"
    return (
        _Call(path=infer_path(model_name), method="POST"),
        _Call(path=f"{path}/ready", method="GET"),
        _Call(path=path, method="GET"),
    )


def _routes_of(call: _Call, routing: Routing) -> list[Json]:
    if not routing.weights:
        return [{"match": call.match(), "direct_response": _refusal(503, "no version serves")}]
    ruled = [route for rule in routing.rules for route in _rule_routes(call, routing, rule)]
    if any(isinstance(rule, EntityRule) for rule in routing.rules):
        # Chance would give an entity that is not named now this version, now that.
        rest = {"match": call.match(), **_to_one(call, routing, routing.stable)}
    else:
        rest = {"match": call.match(), **_split(call, routing, routing.weights)}
    return [*_unparsable(call), *_tester_routes(call, routing), *ruled, rest]


def _anything_else() -> Json:
    return {"match": {"prefix": "/"}, "direct_response": _refusal(404, "no such path and method here")}


def _unparsable(call: _Call) -> list[Json]:
    """Triton would answer 500, and the version would have to answer for it."""
    if not call.has_body:
        return []
    told = {
        "filter": "envoy.filters.http.lua",
        "path": [{"key": NOT_JSON}],
        "value": {"bool_match": True},
    }
    return [
        {
            "match": call.match(dynamic_metadata=[told]),
            "direct_response": _refusal(400, "the body is not a JSON object"),
        }
    ]


def _tester_routes(call: _Call, routing: Routing) -> list[Json]:
    """Whoever got here with the header has the role: the filter before refuses all others."""
    named = [
        {
            "match": call.match({"name": ARM_HEADER, "string_match": {"exact": version}}),
            **_to_one(call, routing, version),
        }
        for version in routing.versions
    ]
    known = ", ".join(routing.versions)
    other = {
        "match": call.match({"name": ARM_HEADER, "present_match": True}),
        "direct_response": _refusal(404, f"no such version runs; {ARM_HEADER} may be: {known}"),
    }
    return [*named, other]


def _rule_routes(call: _Call, routing: Routing, rule: HeaderRule | EntityRule) -> list[Json]:
    if isinstance(rule, EntityRule):
        match = call.match({"name": rule.header, "present_match": True})
        return [{"match": match, **_split(call, routing, routing.by_hash(), by=rule)}]
    more = {"dynamic_metadata": [has_role(rule.role)]} if rule.role else {}
    match = call.match({"name": rule.header, "string_match": {"exact": rule.value}}, **more)
    return [{"match": match, **_to_one(call, routing, rule.version)}]


def _split(call: _Call, routing: Routing, weights: Mapping[str, int], *, by: EntityRule | None = None) -> Json:
    clusters = [
        {"name": version, "weight": weight, "response_headers_to_add": [_says(version)]}
        for version, weight in weights.items()
    ]
    weighted: Json = {"clusters": clusters}
    action: Json = {"weighted_clusters": weighted}
    if by is not None:
        weighted["use_hash_policy"] = True
        salted = by.salt.replace("\\", "\\\\") + r":\1"
        rewrite = {"pattern": {"regex": "^(.*)$"}, "substitution": salted}
        action["hash_policy"] = [{"header": {"header_name": by.header, "regex_rewrite": rewrite}}]
    return {"route": {**action, **_common(call, routing, _copies(routing))}}


def _to_one(call: _Call, routing: Routing, version: str) -> Json:
    """No copies: who asks for a version by name is no sample of the traffic."""
    return {
        "route": {"cluster": chosen(version), **_common(call, routing, [])},
        "response_headers_to_add": [_says(version)],
    }


def _common(call: _Call, routing: Routing, copies: list[Json]) -> Json:
    patience = routing.patience
    return {
        "timeout": f"{patience.total_s:g}s",
        # Only what surely never reached the model is sent again; each attempt may take as long as a connection may.
        "retry_policy": {
            "retry_on": "connect-failure,refused-stream,reset-before-request",
            "num_retries": patience.retries,
            "retry_back_off": {"base_interval": "0.005s", "max_interval": "0.05s"},
        },
        **({"request_mirror_policies": copies} if copies and call.has_body else {}),
    }


def _copies(routing: Routing) -> list[Json]:
    """To the shadow, and to what asks both versions and compares; nobody waits for either."""
    shadow, compared = routing.shadow, routing.compared
    wanted = [(shadow.version, shadow.percent)] if shadow else []
    wanted += [(COMPARER, compared.percent)] if compared else []
    return [
        {
            "cluster": cluster,
            "runtime_fraction": {"default_value": {"numerator": percent, "denominator": "HUNDRED"}},
        }
        for cluster, percent in wanted
    ]


def _says(version: str) -> Json:
    return {
        "header": {"key": VERSION_HEADER, "value": version},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }


def _refusal(status: int, words: str) -> Json:
    """The listener puts the words into JSON."""
    return {"status": status, "body": {"inline_string": words}}
