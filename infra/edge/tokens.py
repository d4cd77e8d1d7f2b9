"""Whose tokens are good and what their roles may do: a RequestAuthentication always with AuthorizationPolicies.

A RequestAuthentication alone lets a request without a token pass; that is why nothing here gives one by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenRules:
    """Who signs tokens, and which role may do what."""

    issuer: str
    """The `iss` claim, letter by letter."""
    jwks_uri: str
    """Where istiod fetches the issuer's keys."""
    audiences: Sequence[str]
    """At least one; a token for another service is refused."""
    roles_claim: str = "roles"
    """Claim with the caller's roles, a list of words; dots lead into nested claims."""
    predict_role: str = "predict"
    tester_role: str = "tester"
    """May also choose the arm that answers, by `arm_header`."""
    arm_header: str = "x-stillhouse-arm"

    def __post_init__(self) -> None:
        if not self.audiences:
            raise ValueError("audiences: (got none); allowed are one or more: without one Envoy does not check them")
        if not self.jwks_uri.startswith("https://"):
            raise ValueError(f"jwks_uri: (got {self.jwks_uri}); allowed are https:// addresses")

    @property
    def claim_key(self) -> str:
        """How policies name the roles."""
        return "request.auth.claims" + "".join(f"[{part}]" for part in self.roles_claim.split("."))


@dataclass(frozen=True, kw_only=True, slots=True)
class AllowedCall:
    """A call that callers may make."""

    method: str
    path: str
    """`{*}` stands for one part of the path."""


CALLS = (
    AllowedCall(method="POST", path="/v2/models/{*}/infer"),
    AllowedCall(method="GET", path="/v2/models/{*}/ready"),
    AllowedCall(method="GET", path="/v2/models/{*}"),
)
"""Predict, and ask whether and what. Triton has more: repository, statistics, shared memory, trace, log; not here."""


def authentication_spec(rules: TokenRules, selector: Mapping[str, str]) -> dict[str, Any]:
    """The body of the RequestAuthentication: tokens from the Authorization header only, never from the address."""
    jwt_rule = {
        "issuer": rules.issuer,
        "jwksUri": rules.jwks_uri,
        "audiences": list(rules.audiences),
        "fromHeaders": [{"name": "Authorization", "prefix": "Bearer "}],
        "forwardOriginalToken": False,
        "timeout": "5s",
    }
    return {"selector": {"matchLabels": dict(selector)}, "jwtRules": [jwt_rule]}


def authorization_specs(rules: TokenRules, selector: Mapping[str, str], *, hostname: str) -> dict[str, dict[str, Any]]:
    """Name -> body of every AuthorizationPolicy at the gateway.

    One ALLOW names what is allowed; each DENY names what is not of it, so that neither can let through by a spelling
    that nobody thought of.
    """
    match = {"selector": {"matchLabels": dict(selector)}}
    hosts = [hostname, f"{hostname}:*"]
    calls = [{"operation": {"hosts": hosts, "methods": [call.method], "paths": [call.path]}} for call in CALLS]
    caller = {"source": {"requestPrincipals": [f"{rules.issuer}/*"]}}
    roles = {"key": rules.claim_key, "values": [rules.predict_role, rules.tester_role]}
    armed = {"key": f"request.headers[{rules.arm_header}]", "values": ["*"]}
    no_tester = {"key": rules.claim_key, "notValues": [rules.tester_role]}
    return {
        "allow-predict": {**match, "action": "ALLOW", "rules": [{"from": [caller], "to": calls, "when": [roles]}]},
        "deny-without-token": {
            **match,
            "action": "DENY",
            "rules": [{"from": [{"source": {"notRequestPrincipals": [f"{rules.issuer}/*"]}}]}],
        },
        "deny-other-calls": {
            **match,
            "action": "DENY",
            "rules": [
                {"to": [{"operation": {"notPaths": [call.path for call in CALLS]}}]},
                # Statistics of all models, spelt like the name of one.
                {"to": [{"operation": {"paths": ["/v2/models/stats"]}}]},
                {"to": [{"operation": {"notHosts": hosts}}]},
            ],
        },
        "deny-arm-choice": {**match, "action": "DENY", "rules": [{"when": [armed, no_tester]}]},
    }
