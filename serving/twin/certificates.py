"""A certificate authority and a server certificate for this machine, made on the spot."""

import os
from pathlib import Path

import trustme

HOSTS = ("localhost", "127.0.0.1", "::1")


def write_certificates(folder: Path) -> None:
    """Write `ca.pem`, `server.pem` (chain) and `server.key` (mode 0600); the CA's own key is kept nowhere."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="Stillhouse twin")
    server = authority.issue_cert(*HOSTS)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    (folder / "server.pem").write_bytes(b"".join(part.bytes() for part in server.cert_chain_pems))
    write_private(folder / "server.key", server.private_key_pem.bytes())


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
