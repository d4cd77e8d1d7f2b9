"""Requests with good and bad tokens, by name, and the status that each must get.

What a token may be wrong in: its claims, its signature, the key it names, its form, and where it stands.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from serving.twin.tokens import AUDIENCE, ISSUER, TokenIssuer, new_issuer

Headers = list[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenCase:
    """One request."""

    name: str
    headers: Callable[[TokenIssuer], Headers]
    status: int
    query: Callable[[TokenIssuer], str] = lambda _: ""


def signed(
    issuer: TokenIssuer, *, algorithm: str = "RS256", header: dict[str, Any] | None = None, **changes: Any
) -> str:
    """A good token but for some claims; None takes a claim, or a field of the header, away."""
    now_s = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "t", "iat": now_s, "exp": now_s + 600, "roles": ["predict"]}
    kept = {name: value for name, value in (claims | changes).items() if value is not None}
    fields = {"kid": issuer.key_id} | (header or {})
    pem = issuer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    named = {name: value for name, value in fields.items() if value is not None}
    return jwt.encode(kept, pem, algorithm=algorithm, headers=named)


def encoded(value: object) -> str:
    """JSON as a token holds it."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(issuer: TokenIssuer, algorithm: str = "none") -> str:
    payload = signed(issuer).split(".")[1]
    return f"{encoded({'alg': algorithm, 'typ': 'JWT', 'kid': issuer.key_id})}.{payload}."


def public_key_as_secret(issuer: TokenIssuer) -> str:
    """The classic confusion: HS256 with what everybody may know."""
    payload = signed(issuer).split(".")[1]
    text = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': issuer.key_id})}.{payload}"
    digest = hmac.new(issuer.public_pem(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def tampered(issuer: TokenIssuer) -> str:
    header, signature = signed(issuer).split(".")[::2]
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 600, "roles": ["predict", "admin"]}
    return f"{header}.{encoded(claims)}.{signature}"


def other_algorithm_in_the_header(issuer: TokenIssuer) -> str:
    _, payload, signature = signed(issuer).split(".")
    return f"{encoded({'alg': 'RS512', 'typ': 'JWT', 'kid': issuer.key_id})}.{payload}.{signature}"


def foreign(**header: Any) -> Callable[[TokenIssuer], str]:
    """Signed by nobody's key, under the good one's name unless the header says otherwise."""
    return lambda issuer: signed(new_issuer(), header={"kid": issuer.key_id, **header})


def with_its_own_key(issuer: TokenIssuer) -> str:
    stranger = new_issuer()
    return signed(stranger, header={"kid": issuer.key_id, "jwk": stranger.public_jwk()})


def elliptic(issuer: TokenIssuer) -> str:
    pem = elliptic_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    claims = jwt.decode(signed(issuer), options={"verify_signature": False})
    return jwt.encode(claims, pem, algorithm="ES256", headers={"kid": issuer.key_id})


def in_s(seconds: float) -> int:
    return int(time.time() + seconds)


def bearer(token: str) -> Headers:
    return [("authorization", f"Bearer {token}".strip())]


def case(name: str, token: Callable[[TokenIssuer], str], status: int) -> TokenCase:
    """The token where it belongs."""
    return TokenCase(name=name, headers=lambda issuer: bearer(token(issuer)), status=status)


def placed(name: str, headers: Callable[[TokenIssuer], Headers], status: int) -> TokenCase:
    return TokenCase(name=name, headers=headers, status=status)


CLAIMS = [
    case("valid", signed, 200),
    case("minted", lambda issuer: issuer.mint(), 200),
    case("one audience of several", lambda issuer: signed(issuer, aud=["other", AUDIENCE]), 200),
    case("one role of several", lambda issuer: signed(issuer, roles=["admin", "predict"]), 200),
    case("role tester alone", lambda issuer: issuer.mint(roles=["tester"]), 200),
    case("expired within the clocks' difference", lambda issuer: signed(issuer, exp=in_s(-1)), 200),
    case("valid from within the clocks' difference", lambda issuer: signed(issuer, nbf=in_s(2)), 200),
    case("expired", lambda issuer: signed(issuer, exp=in_s(-60)), 401),
    case("expired long ago", lambda issuer: issuer.mint(expires_in_s=-3600), 401),
    case("without expiry", lambda issuer: signed(issuer, exp=None), 401),
    case("expiry as a word", lambda issuer: unchecked(issuer, exp="tomorrow"), 401),
    case("not yet valid", lambda issuer: signed(issuer, nbf=in_s(60)), 401),
    case("wrong issuer", lambda issuer: signed(issuer, iss="https://elsewhere"), 401),
    case("issuer with a slash more", lambda issuer: signed(issuer, iss=f"{ISSUER}/"), 401),
    case("issuer in capitals", lambda issuer: signed(issuer, iss=ISSUER.upper()), 401),
    case("without issuer", lambda issuer: signed(issuer, iss=None), 401),
    case("wrong audience", lambda issuer: issuer.mint(audience="other"), 403),
    case("audience in capitals", lambda issuer: signed(issuer, aud=AUDIENCE.upper()), 403),
    case("part of the audience's name", lambda issuer: signed(issuer, aud=[AUDIENCE[:-1], f"{AUDIENCE}s"]), 403),
    case("no audience among none", lambda issuer: signed(issuer, aud=[]), 403),
    case("without audience", lambda issuer: signed(issuer, aud=None), 403),
    case("wrong role", lambda issuer: issuer.mint(roles=["admin"]), 403),
    case("no role", lambda issuer: issuer.mint(roles=[]), 403),
    case("without roles", lambda issuer: signed(issuer, roles=None), 403),
    case("role as a string", lambda issuer: signed(issuer, roles="predict"), 403),
    case("role as a field", lambda issuer: signed(issuer, roles={"predict": True}), 403),
    case("role in a list in the list", lambda issuer: signed(issuer, roles=[["predict"]]), 403),
    case("role in a nested claim", lambda issuer: signed(issuer, roles=None, realm={"roles": ["predict"]}), 403),
    case(
        "role under a dotted name", lambda issuer: unchecked(issuer, **{"roles": [], "claims.roles": ["predict"]}), 403
    ),
    case("role in capitals", lambda issuer: issuer.mint(roles=["PREDICT"]), 403),
    case("role with a space", lambda issuer: issuer.mint(roles=["predict "]), 403),
    case("part of the role's name", lambda issuer: issuer.mint(roles=["predicts", "predic"]), 403),
]
SIGNATURES = [
    case("without a key's name", lambda issuer: signed(issuer, header={"kid": None}), 200),
    case("unknown key's name", lambda issuer: signed(issuer, header={"kid": "another"}), 401),
    case("empty key's name", lambda issuer: signed(issuer, header={"kid": ""}), 200),
    case("key's name as a path", lambda issuer: signed(issuer, header={"kid": "../../dev/null"}), 401),
    case("foreign key", foreign(), 401),
    case("foreign key without a name", foreign(kid=None), 401),
    case("foreign key at an address of its own", foreign(jku="https://elsewhere/keys.json"), 401),
    case("foreign key in the token itself", with_its_own_key, 401),
    case("alg none", unsigned, 401),
    case("alg None", lambda issuer: unsigned(issuer, "None"), 401),
    case("alg NONE", lambda issuer: unsigned(issuer, "NONE"), 401),
    case("RS256 without a signature", lambda issuer: unsigned(issuer, "RS256"), 401),
    case("HS256 with the public key", public_key_as_secret, 401),
    case("RS512 with the same key", lambda issuer: signed(issuer, algorithm="RS512"), 401),
    case("PS256 with the same key", lambda issuer: signed(issuer, algorithm="PS256"), 401),
    case("ES256 with a foreign key", elliptic, 401),
    case("another algorithm in the header", other_algorithm_in_the_header, 401),
    case("tampered claims", tampered, 401),
    case("signature of another token", lambda issuer: with_signature_of(issuer, signed(issuer, sub="other")), 401),
    case("half a signature", lambda issuer: signed(issuer)[:-100], 401),
]
FORMS = [
    case("garbage", lambda _: "garbage", 401),
    case("empty", lambda _: "", 401),
    case("two parts", lambda _: "a.b", 401),
    case("four parts", lambda issuer: f"{signed(issuer)}.x", 401),
    case("five parts", lambda _: "a.b.c.d.e", 401),
    case("header that is no JSON", lambda issuer: ".".join(["e30x", *signed(issuer).split(".")[1:]]), 401),
    case("not of the alphabet", lambda issuer: signed(issuer).replace(".", ".$", 1), 401),
    case("two tokens after each other", lambda issuer: f"{signed(issuer)}, Bearer {signed(issuer)}", 401),
    case("larger than all headers may be", lambda issuer: signed(issuer, sub="x" * 70_000), 431),
]
PLACES = [
    placed("no token", lambda _: [], 401),
    placed("two headers, the good one first", lambda issuer: bearer(signed(issuer)) + bearer("garbage"), 401),
    placed("two headers, the good one last", lambda issuer: bearer("garbage") + bearer(signed(issuer)), 401),
    placed("scheme Basic", lambda issuer: [("authorization", f"Basic {signed(issuer)}")], 401),
    placed("no scheme", lambda issuer: [("authorization", signed(issuer))], 401),
    placed("in a cookie", lambda issuer: [("cookie", f"access_token={signed(issuer)}")], 401),
    placed("in another header", lambda issuer: [("x-authorization", f"Bearer {signed(issuer)}")], 401),
    placed("as what only the gateway says", lambda issuer: [("x-jwt-payload", signed(issuer).split(".")[1])], 401),
    TokenCase(
        name="in the address",
        headers=lambda _: [],
        status=401,
        query=lambda issuer: f"?access_token={signed(issuer)}",
    ),
]
TOKEN_CASES = [*CLAIMS, *SIGNATURES, *FORMS, *PLACES]


def unchecked(issuer: TokenIssuer, **changes: Any) -> str:
    """Signed although the library would not sign such claims."""
    header, payload, _ = signed(issuer).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    text = f"{header}.{encoded(claims | changes)}"
    signature = jwt.get_algorithm_by_name("RS256").sign(text.encode(), issuer.key)
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def with_signature_of(issuer: TokenIssuer, other: str) -> str:
    return ".".join([*signed(issuer).split(".")[:2], other.split(".")[2]])
