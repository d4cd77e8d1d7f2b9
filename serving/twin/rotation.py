"""Changes the server certificate, or the key that signs tokens, of a running twin; no request notices."""

import asyncio

import aiohttp

from serving.twin.certificates import renew_certificate, serial_number, write_certificates
from serving.twin.envoy import secrets
from serving.twin.envoy_admin import EnvoyAdmin
from serving.twin.envoy_tokens import token_rules
from serving.twin.paths import TwinPaths
from serving.twin.publisher import publish, write_watched
from serving.twin.tokens import create_issuer, new_issuer, open_issuer, publish_keys, published_keys, sign_with
from serving.twin.waiting import until

_TAKEN_WITHIN_S = 10.0


def prepare_identity(paths: TwinPaths) -> None:
    """What Envoy shows and whose tokens it takes, before it starts; clients keep their authority and their tokens."""
    if not (paths.certificates / "ca.key").exists():
        write_certificates(paths.certificates)
    if not (paths.tokens / "signing.key").exists():
        create_issuer(paths.tokens)
    issuer, keys = open_issuer(paths.tokens), published_keys(paths.tokens)
    if issuer.key_id not in [key["kid"] for key in keys]:
        keys = [issuer.public_jwk()]
    jwks = publish_keys(paths.tokens, keys)
    write_watched(paths.xds, "sds", secrets(paths.certificates))
    write_watched(paths.xds, "ecds", token_rules(jwks))


async def rotate_certificate(admin: EnvoyAdmin, paths: TwinPaths) -> str:
    """Issue another certificate by the same authority and return, in words, when Envoy shows it.

    Connections that are open stay open: a certificate is only looked at when one begins.

    Raises:
        TimeoutError: Envoy did not take it.
    """
    before = await asyncio.to_thread(serial_number, paths.certificates)
    serial = await asyncio.to_thread(renew_certificate, paths.certificates)

    async def shown() -> bool:
        try:
            return serial in await admin.certificates()
        except (TimeoutError, aiohttp.ClientError):
            return False

    await until(shown, within_s=_TAKEN_WITHIN_S, what=f"Envoy's takeover of the certificate {serial:x}")
    return f"certificate {before:x} -> {serial:x}"


async def rotate_key(admin: EnvoyAdmin, paths: TwinPaths, *, revoke: bool) -> str:
    """Sign all tokens from now on with a new key; what was done, in words.

    Args:
        admin: of the running Envoy.
        paths: of the twin.
        revoke: refuse tokens of the present key at once; otherwise they stay good until they expire, or until the
            next rotation.

    Raises:
        RefusedError, TimeoutError: Envoy did not take it; everything stays as it was.
    """
    issuer, before = new_issuer(), published_keys(paths.tokens)
    kept = [] if revoke else before[:1]
    rules = token_rules(publish_keys(paths.tokens, [issuer.public_jwk(), *kept]))
    try:
        await publish(admin, paths.xds, "ecds", rules, within_s=_TAKEN_WITHIN_S)
    except BaseException:
        publish_keys(paths.tokens, before)
        raise
    sign_with(paths.tokens, issuer)
    old = ", ".join(key["kid"] for key in kept)
    return f"tokens are signed by {issuer.key_id}" + (f"; those of {old} stay good" if old else "; no others are good")
