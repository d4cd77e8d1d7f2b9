"""The certificates fit this machine's names and nobody else can read the key."""

import ipaddress
import stat
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from serving.twin.certificates import renew_certificate, serial_number, write_certificates


def test_the_server_certificate_is_for_this_machine_and_signed_by_the_authority(tmp_path: Path) -> None:
    write_certificates(tmp_path)
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    server = x509.load_pem_x509_certificates((tmp_path / "server.pem").read_bytes())[0]
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert ipaddress.ip_address("127.0.0.1") in names.get_values_for_type(x509.IPAddress)
    server.verify_directly_issued_by(authority)
    key = load_pem_private_key((tmp_path / "server.pem").read_bytes(), password=None)
    assert key.public_key() == server.public_key()


def test_the_key_is_its_owners_even_where_a_file_lay_open_before(tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_text("old")
    (tmp_path / "server.pem").chmod(0o644)
    write_certificates(tmp_path)
    assert {name: mode(tmp_path / name) for name in ("server.pem", "ca.key")} == {"server.pem": 0o600, "ca.key": 0o600}


def test_a_renewed_certificate_is_another_of_the_same_authority(tmp_path: Path) -> None:
    write_certificates(tmp_path)
    before, trusted = serial_number(tmp_path), (tmp_path / "ca.pem").read_bytes()
    serial = renew_certificate(tmp_path)
    assert serial == serial_number(tmp_path) != before
    assert (tmp_path / "ca.pem").read_bytes() == trusted
    server = x509.load_pem_x509_certificates((tmp_path / "server.pem").read_bytes())[0]
    server.verify_directly_issued_by(x509.load_pem_x509_certificate(trusted))
    assert mode(tmp_path / "server.pem") == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.key", "ca.pem", "server.pem"]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
