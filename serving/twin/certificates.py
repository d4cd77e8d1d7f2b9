"""A certificate authority and a server certificate for this machine, made on the spot and renewed at will."""

import os
from pathlib import Path

import trustme
from cryptography.x509 import load_pem_x509_certificate

HOSTS = ("localhost", "127.0.0.1", "::1")
_AUTHORITY, _AUTHORITY_KEY, _SERVER = "ca.pem", "ca.key", "server.pem"


def write_certificates(folder: Path) -> None:
    """Write `ca.pem`, which clients trust, and with mode 0600 `ca.key` and `server.pem` (key and chain)."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="Stillhouse twin")
    write_private(folder / _AUTHORITY_KEY, authority.private_key_pem.bytes())
    authority.cert_pem.write_to_path(str(folder / _AUTHORITY))
    _issue(authority, folder)


def renew_certificate(folder: Path) -> int:
    """Put another server certificate, of the same authority, in place of the present one; its serial number."""
    authority = trustme.CA.from_pem((folder / _AUTHORITY).read_bytes(), (folder / _AUTHORITY_KEY).read_bytes())
    _issue(authority, folder)
    return serial_number(folder)


def serial_number(folder: Path) -> int:
    """Of the present server certificate."""
    return load_pem_x509_certificate((folder / _SERVER).read_bytes()).serial_number


def _issue(authority: trustme.CA, folder: Path) -> None:
    server = authority.issue_cert(*HOSTS)
    write_private(folder / _SERVER, server.private_key_and_cert_chain_pem.bytes())


def write_private(path: Path, content: bytes) -> None:
    """Rename a file into place that only its owner can read, from its first byte on."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
    draft.replace(path)
