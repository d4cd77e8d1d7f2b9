"""Tokens and roles: no authentication without authorization, and every door closed that is not named."""

from dataclasses import replace
from typing import Any

import pytest

from infra.edge.gateway import SELECTOR
from infra.edge.tokens import CALLS, TokenRules, authentication_spec, authorization_specs
from tests.infra.in_cluster import HOSTNAME, TOKEN, body, captured

SPECS = authorization_specs(TOKEN, SELECTOR, hostname=HOSTNAME)


def test_a_token_without_an_audience_is_refused_at_construction() -> None:
    with pytest.raises(ValueError, match=r"audiences: \(got none\)"):
        replace(TOKEN, audiences=[])


def test_keys_come_over_tls() -> None:
    with pytest.raises(ValueError, match=r"jwks_uri: \(got http://"):
        replace(TOKEN, jwks_uri="http://identity.example/keys")


def test_tokens_come_in_the_header_only() -> None:
    (rule,) = authentication_spec(TOKEN, SELECTOR)["jwtRules"]
    assert rule["fromHeaders"] == [{"name": "Authorization", "prefix": "Bearer "}]
    assert "fromParams" not in rule
    assert "fromCookies" not in rule
    assert rule["audiences"] == ["stillhouse"]
    assert rule["forwardOriginalToken"] is False


def test_only_named_calls_are_allowed() -> None:
    (rule,) = SPECS["allow-predict"]["rules"]
    allowed = [(to["operation"]["methods"], to["operation"]["paths"]) for to in rule["to"]]
    assert allowed == [([call.method], [call.path]) for call in CALLS]
    assert rule["from"] == [{"source": {"requestPrincipals": ["https://identity.example/*"]}}]
    assert rule["when"] == [{"key": "request.auth.claims[roles]", "values": ["predict", "tester"]}]
    assert all(to["operation"]["hosts"] == [HOSTNAME, f"{HOSTNAME}:*"] for to in rule["to"])


def test_there_is_one_allow_and_it_asks_for_token_and_role() -> None:
    allows = [spec for spec in SPECS.values() if spec["action"] == "ALLOW"]
    assert len(allows) == 1
    assert all(rule["from"] and rule["when"] for rule in allows[0]["rules"])


def test_requests_without_a_token_are_denied_apart_from_the_allow() -> None:
    assert SPECS["deny-without-token"]["rules"] == [
        {"from": [{"source": {"notRequestPrincipals": ["https://identity.example/*"]}}]}
    ]


def test_whatever_is_no_named_call_or_host_is_denied() -> None:
    rules = SPECS["deny-other-calls"]["rules"]
    assert {"to": [{"operation": {"notPaths": [call.path for call in CALLS]}}]} in rules
    assert {"to": [{"operation": {"notHosts": [HOSTNAME, f"{HOSTNAME}:*"]}}]} in rules
    assert {"to": [{"operation": {"paths": ["/v2/models/stats"]}}]} in rules


@pytest.mark.parametrize(
    "path",
    [
        "/v2/repository/index",
        "/v2/repository/models/churn/load",
        "/v2/models/churn/stats",
        "/v2/models/churn/config",
        "/v2/models/churn/versions/1/infer",
        "/v2/systemsharedmemory/status",
        "/v2/cudasharedmemory/region/a/register",
        "/v2/trace/setting",
        "/v2/logging",
        "/metrics",
        "/invocations",
        "/v2",
        "/",
    ],
)
def test_tritons_administration_is_none_of_the_named_calls(path: str) -> None:
    assert not any(_matches(call.path, path) for call in CALLS)


def _matches(template: str, path: str) -> bool:
    """Istio's `{*}`: one part of the path, not empty."""
    wanted, given = template.split("/"), path.split("/")
    return len(wanted) == len(given) and all(a == b or (a == "{*}" and b) for a, b in zip(wanted, given, strict=True))


def test_templates_match_what_callers_send() -> None:
    assert any(_matches(call.path, "/v2/models/churn/infer") and call.method == "POST" for call in CALLS)


def test_choosing_an_arm_takes_the_testers_role() -> None:
    (rule,) = SPECS["deny-arm-choice"]["rules"]
    assert rule["when"] == [
        {"key": "request.headers[x-stillhouse-arm]", "values": ["*"]},
        {"key": "request.auth.claims[roles]", "notValues": ["tester"]},
    ]


@pytest.mark.parametrize(
    ("claim", "key"), [("roles", "request.auth.claims[roles]"), ("a.b", "request.auth.claims[a][b]")]
)
def test_nested_claims(claim: str, key: str) -> None:
    assert replace(TOKEN, roles_claim=claim).claim_key == key


def _selector(resource: Any) -> Any:
    return body(resource)["spec"].get("selector")


def test_every_authentication_is_paired_with_a_policy_that_asks_for_a_principal() -> None:
    run = captured()
    authentications = run.of_type("kubernetes:security.istio.io/v1:RequestAuthentication")
    policies = run.of_type("kubernetes:security.istio.io/v1:AuthorizationPolicy")
    assert len(authentications) == 1
    for authentication in authentications:
        same = [found for found in policies if _selector(found) == _selector(authentication)]
        allows = [body(found)["spec"] for found in same if body(found)["spec"]["action"] == "ALLOW"]
        asked = [source["source"] for spec in allows for rule in spec["rules"] for source in rule["from"]]
        assert asked == [{"requestPrincipals": ["https://identity.example/*"]}]


def test_the_selector_is_the_charts_label() -> None:
    release = captured().one("kubernetes:helm.sh/v3:Release", "edge-gateway")
    name = str(release.inputs["name"])
    assert {"istio": name.removeprefix("istio-")} == SELECTOR


def test_rules_are_frozen() -> None:
    assert isinstance(TOKEN, TokenRules)
    with pytest.raises(AttributeError):
        TOKEN.issuer = "other"  # type: ignore[misc]
