"""The twin's own identity provider: an RS256 key, its public half as JWKS, and tokens with roles.

Keys change in two steps, so that no good token is ever refused: the new one is published, then it signs.
"""

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from jwt.algorithms import RSAAlgorithm

from model.errors import UserError
from serving.twin.certificates import write_private

ISSUER = "https://stillhouse.twin"
AUDIENCE = "stillhouse"
PREDICT_ROLE = "predict"
TESTER_ROLE = "tester"
"""May predict, and also choose the version that answers."""
_SIGNING_KEY, _JWKS = "signing.key", "jwks.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenIssuer:
    """Signs tokens that the twin's gateway accepts."""

    key: RSAPrivateKey
    issuer: str = ISSUER
    audience: str = AUDIENCE

    def mint(
        self,
        *,
        roles: Sequence[str] = (PREDICT_ROLE,),
        audience: str | None = None,
        expires_in_s: float = 3600.0,
        subject: str = "twin",
    ) -> str:
        """A token for `subject`; `audience` None is the gateway's own."""
        now_s = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": audience or self.audience,
            "sub": subject,
            "iat": now_s,
            "nbf": now_s,
            "exp": now_s + int(expires_in_s),
            "roles": list(roles),
        }
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": self.key_id})

    @property
    def key_id(self) -> str:
        """From the key itself: the beginning of its digest."""
        return hashlib.sha256(self.public_pem()).hexdigest()[:16]

    def jwks(self) -> str:
        """The public half, as a JSON Web Key Set."""
        return json.dumps({"keys": [self.public_jwk()]})

    def public_jwk(self) -> dict[str, str]:
        """The public half, as a JSON Web Key."""
        key = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"kty": key["kty"], "n": key["n"], "e": key["e"], "kid": self.key_id, "alg": "RS256", "use": "sig"}

    def public_pem(self) -> bytes:
        """The public half, in PEM."""
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def create_issuer(folder: Path) -> TokenIssuer:
    """Make a key and write `signing.key` (mode 0600) and `jwks.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    issuer = new_issuer()
    publish_keys(folder, [issuer.public_jwk()])
    sign_with(folder, issuer)
    return issuer


def new_issuer() -> TokenIssuer:
    """One with a key of its own, that nobody trusts yet."""
    return TokenIssuer(key=generate_private_key(public_exponent=65537, key_size=2048))


def published_keys(folder: Path) -> list[dict[str, str]]:
    """The keys whose tokens are good, the newest first."""
    keys: list[dict[str, str]] = json.loads((folder / _JWKS).read_text())["keys"]
    return keys


def publish_keys(folder: Path, keys: Sequence[dict[str, str]]) -> str:
    """Say whose tokens are good; the JSON Web Key Set."""
    text = json.dumps({"keys": list(keys)})
    draft = folder / f".{_JWKS}.{os.getpid()}"
    draft.write_text(text)
    draft.replace(folder / _JWKS)
    return text


def sign_with(folder: Path, issuer: TokenIssuer) -> None:
    """Let all tokens from now on be signed by this key."""
    pem = issuer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(folder / _SIGNING_KEY, pem)


def open_issuer(folder: Path) -> TokenIssuer:
    """The issuer of a twin that was brought up.

    Raises:
        UserError: no key there.
    """
    try:
        key = load_pem_private_key((folder / _SIGNING_KEY).read_bytes(), password=None)
    except OSError as error:
        raise UserError(f"no signing key in `{folder}`", hint="bring the twin up first") from error
    assert isinstance(key, RSAPrivateKey)
    return TokenIssuer(key=key)
