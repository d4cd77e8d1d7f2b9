"""Whose tokens are good, and what their roles may do: Envoy's filters for both.

The keys lie in a file of their own that Envoy watches, so that they can change without a new connection.
"""

from pathlib import Path

from serving.twin.envoy_values import Json, discovery, http_filter, watched
from serving.twin.tokens import AUDIENCE, ISSUER, PREDICT_ROLE, TESTER_ROLE

ARM_HEADER = "x-stillhouse-arm"
"""Names the version that is to answer; only for testers."""
JWT = "envoy.filters.http.jwt_authn"
PAYLOAD = "claims"
_MESSAGE = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"
_CLOCK_SKEW_S = 5


def token_filter(xds: Path) -> Json:
    """The filter's place in the chain; what it does comes from `<xds>/ecds`."""
    source = {"config_source": watched(xds / "ecds"), "type_urls": [f"type.googleapis.com/{_MESSAGE}"]}
    return {"name": JWT, "config_discovery": source}


def token_rules(jwks: str, *, issuer: str = ISSUER, audience: str = AUDIENCE) -> Json:
    """What the filter does: a token of this issuer, for this audience, signed by one of these keys, for every request.

    Args:
        jwks: JSON Web Key Set.
        issuer: the claim `iss`, letter by letter.
        audience: must be among the claim `aud`.
    """
    provider = {
        "issuer": issuer,
        "audiences": [audience],
        "local_jwks": {"inline_string": jwks},
        # Not from the address, where logs would keep it.
        "from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}],
        "payload_in_metadata": PAYLOAD,
        # Routes look at the roles.
        "clear_route_cache": True,
        "require_expiration": True,
        "clock_skew_seconds": _CLOCK_SKEW_S,
        # The signature of a token that is used again is not computed again.
        "jwt_cache_config": {"jwt_cache_size": 1000},
    }
    rules = http_filter(
        "jwt_authn",
        "jwt_authn.v3.JwtAuthentication",
        providers={"twin": provider},
        rules=[{"match": {"prefix": "/"}, "requires": {"provider_name": "twin"}}],
    )
    return discovery("envoy.config.core.v3.TypedExtensionConfig", [{**rules, "name": JWT}])


def role_filter() -> Json:
    """Who may predict, and who may choose the version that does."""
    armed = {"header": {"name": ARM_HEADER, "present_match": True}}
    roles = (PREDICT_ROLE, TESTER_ROLE)
    policies = {
        "predict": {
            "permissions": [{"not_rule": armed}],
            "principals": [{"or_ids": {"ids": [_principal(role) for role in roles]}}],
        },
        "choose": {"permissions": [armed], "principals": [_principal(TESTER_ROLE)]},
    }
    return http_filter("rbac", "rbac.v3.RBAC", rules={"action": "ALLOW", "policies": policies})


def has_role(role: str) -> Json:
    """A match on the checked token's claim `roles`."""
    return {
        "filter": JWT,
        "path": [{"key": PAYLOAD}, {"key": "roles"}],
        "value": {"list_match": {"one_of": {"string_match": {"exact": role}}}},
    }


def _principal(role: str) -> Json:
    return {"sourced_metadata": {"metadata_matcher": has_role(role), "metadata_source": "DYNAMIC"}}
