"""The private authority: a root that outlives its leaves, and leaves that renew with new keys."""

from infra.certificates.authority import PrivateAuthorityArgs, leaf_spec, root_spec
from infra.certificates.manager import CertManagerArgs, cert_manager_values
from tests.infra.in_cluster import body, captured

CERTIFICATE = "kubernetes:cert-manager.io/v1:Certificate"
ISSUER = "kubernetes:cert-manager.io/v1:ClusterIssuer"


def test_the_root_signs_and_is_renewed_a_year_early() -> None:
    spec = root_spec(PrivateAuthorityArgs(), secret="s", issuer="i")
    assert spec["isCA"] is True
    assert spec["usages"] == ["cert sign", "crl sign"]
    assert int(spec["duration"][:-1]) - int(spec["renewBefore"][:-1]) == (3650 - 365) * 24


def test_a_leaf_is_short_and_takes_a_new_key() -> None:
    spec = leaf_spec("predict.example", issuer="i", secret="s")
    assert spec["dnsNames"] == ["predict.example"]
    assert spec["duration"] == "2160h"
    assert spec["privateKey"]["rotationPolicy"] == "Always"
    assert "isCA" not in spec


def test_the_chain_is_made_from_its_root_on() -> None:
    run = captured()
    bootstrap, root = run.one(ISSUER, "authority-bootstrap"), run.one(CERTIFICATE, "authority-root")
    issuer, leaf = run.one(ISSUER, "authority-issuer"), run.one(CERTIFICATE, "edge-certificate")
    assert bootstrap.urn in root.depends_on
    assert root.urn in issuer.depends_on
    assert issuer.urn in leaf.depends_on
    assert body(issuer)["spec"]["ca"]["secretName"] == body(root)["spec"]["secretName"]
    assert body(leaf)["spec"]["issuerRef"]["name"] == body(issuer)["metadata"]["name"]
    assert body(root)["metadata"]["namespace"] == "cert-manager"


def test_crds_and_so_certificates_outlive_the_manager() -> None:
    assert cert_manager_values(CertManagerArgs())["crds"] == {"enabled": True, "keep": True}
    assert cert_manager_values(CertManagerArgs(keep_crds=False))["crds"]["keep"] is False


def test_the_webhook_survives_a_node() -> None:
    assert cert_manager_values(CertManagerArgs())["webhook"]["replicaCount"] == 2
