"""A private certificate authority in the cluster: a self-signed root, and an issuer that signs with it."""

from dataclasses import dataclass
from typing import Any

import pulumi

from infra.certificates.manager import NAMESPACE
from infra.manifest import custom

_API = "cert-manager.io/v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Issuer:
    """Who signs a certificate: a ClusterIssuer."""

    name: str
    made_by: tuple[pulumi.Resource, ...] = ()
    """What must be there before it can sign, and outlive what it signed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PrivateAuthorityArgs:
    """The root certificate."""

    common_name: str = "stillhouse private authority"
    root_days: int = 3650
    """How long callers may trust one root."""
    namespace: str = NAMESPACE
    """cert-manager's, where a ClusterIssuer looks for its key."""


class PrivateAuthority(pulumi.ComponentResource):
    """The authority. It needs cert-manager's webhook, so depend it on `CertManager`."""

    issuer: Issuer
    root_secret: str
    """Secret in cert-manager's namespace whose `ca.crt` callers trust."""

    def __init__(self, name: str, args: PrivateAuthorityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:certificates:PrivateAuthority", name, None, opts)
        self.root_secret = f"{name}-root"
        child = pulumi.ResourceOptions(parent=self)
        bootstrap = custom(
            f"{name}-bootstrap",
            api_version=_API,
            kind="ClusterIssuer",
            name=f"{name}-bootstrap",
            spec={"selfSigned": {}},
            opts=child,
        )
        root = custom(
            f"{name}-root",
            api_version=_API,
            kind="Certificate",
            name=f"{name}-root",
            namespace=args.namespace,
            spec=root_spec(args, secret=self.root_secret, issuer=f"{name}-bootstrap"),
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[bootstrap])),
        )
        issuer = custom(
            f"{name}-issuer",
            api_version=_API,
            kind="ClusterIssuer",
            name=name,
            spec={"ca": {"secretName": self.root_secret}},
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[root])),
        )
        self.issuer = Issuer(name=name, made_by=(issuer,))
        self.register_outputs({"issuer": self.issuer.name, "root_secret": self.root_secret})


def root_spec(args: PrivateAuthorityArgs, *, secret: str, issuer: str) -> dict[str, Any]:
    """The root: renewed a year before it ends, so that callers have time to trust the next."""
    return {
        "isCA": True,
        "commonName": args.common_name,
        "secretName": secret,
        "duration": f"{args.root_days * 24}h",
        "renewBefore": f"{365 * 24}h",
        "privateKey": {"algorithm": "ECDSA", "size": 256},
        "usages": ["cert sign", "crl sign"],
        "issuerRef": {"name": issuer, "kind": "ClusterIssuer", "group": "cert-manager.io"},
    }


def leaf_spec(hostname: str, *, issuer: str, secret: str) -> dict[str, Any]:
    """A server certificate of 90 days with a new key at every renewal, a month before it ends."""
    return {
        "secretName": secret,
        "dnsNames": [hostname],
        "duration": f"{90 * 24}h",
        "renewBefore": f"{30 * 24}h",
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "usages": ["server auth"],
        "issuerRef": {"name": issuer, "kind": "ClusterIssuer", "group": "cert-manager.io"},
    }
