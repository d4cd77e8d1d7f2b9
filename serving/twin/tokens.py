"""The twin's own identity provider: an RS256 key, its public half as JWKS, and tokens with roles."""

import json
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
_KEY_ID = "twin"


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
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": _KEY_ID})

    def jwks(self) -> str:
        """The public half, as a JSON Web Key Set."""
        key = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
        return json.dumps({"keys": [{**key, "kid": _KEY_ID, "alg": "RS256", "use": "sig"}]})

    def public_pem(self) -> bytes:
        """The public half, in PEM."""
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def create_issuer(folder: Path) -> TokenIssuer:
    """Make a key and write `signing.key` (mode 0600) and `jwks.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    issuer = TokenIssuer(key=generate_private_key(public_exponent=65537, key_size=2048))
    write_private(folder / "signing.key", issuer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "jwks.json").write_text(issuer.jwks())
    return issuer


def open_issuer(folder: Path) -> TokenIssuer:
    """The issuer of a twin that was brought up.

    Raises:
        UserError: no key there.
    """
    try:
        key = load_pem_private_key((folder / "signing.key").read_bytes(), password=None)
    except OSError as error:
        raise UserError(f"no signing key in `{folder}`", hint="bring the twin up first") from error
    assert isinstance(key, RSAPrivateKey)
    return TokenIssuer(key=key)
