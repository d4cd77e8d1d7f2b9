"""The certificates fit this machine's names and nobody else can read the key."""

import ipaddress
import stat
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from serving.twin.certificates import write_certificates


def test_the_server_certificate_is_for_this_machine_and_signed_by_the_authority(tmp_path: Path) -> None:
    write_certificates(tmp_path)
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    server = x509.load_pem_x509_certificates((tmp_path / "server.pem").read_bytes())[0]
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert ipaddress.ip_address("127.0.0.1") in names.get_values_for_type(x509.IPAddress)
    server.verify_directly_issued_by(authority)
    key = load_pem_private_key((tmp_path / "server.key").read_bytes(), password=None)
    assert key.public_key() == server.public_key()


def test_the_key_is_its_owners_even_where_a_file_lay_open_before(tmp_path: Path) -> None:
    (tmp_path / "server.key").write_text("old")
    (tmp_path / "server.key").chmod(0o644)
    write_certificates(tmp_path)
    assert stat.S_IMODE((tmp_path / "server.key").stat().st_mode) == 0o600
