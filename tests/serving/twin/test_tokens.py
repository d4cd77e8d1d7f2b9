"""Tokens that the twin signs, read by a library that is not ours."""

import stat
from pathlib import Path

import jwt
import pytest

from model.errors import UserError
from serving.twin.tokens import AUDIENCE, ISSUER, create_issuer, open_issuer


def test_a_token_verifies_against_the_published_key(tmp_path: Path) -> None:
    token = create_issuer(tmp_path).mint(roles=["predict", "admin"], subject="me", expires_in_s=60)
    key = jwt.PyJWKSet.from_json((tmp_path / "jwks.json").read_text()).keys[0]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)
    assert (claims["roles"], claims["sub"], claims["exp"] - claims["iat"]) == (["predict", "admin"], "me", 60)


def test_the_key_is_its_owners_and_outlives_the_process(tmp_path: Path) -> None:
    create_issuer(tmp_path)
    assert stat.S_IMODE((tmp_path / "signing.key").stat().st_mode) == 0o600
    assert open_issuer(tmp_path).jwks() == (tmp_path / "jwks.json").read_text()
    assert '"d"' not in open_issuer(tmp_path).jwks()


def test_without_a_key_there_are_no_tokens(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no signing key"):
        open_issuer(tmp_path)
