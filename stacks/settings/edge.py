"""Section `edge`: the one address of all endpoints, its certificate, and who may call it."""

from typing import Annotated, Literal

from pydantic import Field

from stacks.settings.part import Arn, Hostname, HttpsUrl, KubernetesName, Part


class PrivateCa(Part):
    """A certificate of a private authority that lives in the cluster."""

    kind: Literal["private_ca"]
    """cert-manager keeps an authority of our own; callers trust its root."""


class AcmCertificate(Part):
    """A certificate of AWS Certificate Manager, on the load balancer."""

    kind: Literal["acm"]
    """TLS ends at the load balancer with a certificate of ACM, and begins again towards the gateway."""
    arn: Arn
    """The certificate's ARN."""


class ExistingIssuer(Part):
    """A certificate of an issuer that cert-manager already knows."""

    kind: Literal["issuer"]
    """cert-manager asks an issuer that is already in the cluster."""
    name: KubernetesName
    """Name of the ClusterIssuer."""


CertificateSettings = Annotated[PrivateCa | AcmCertificate | ExistingIssuer, Field(discriminator="kind")]


class JwtSettings(Part):
    """Whose tokens open the gateway, and which role may do what."""

    issuer: HttpsUrl
    """The `iss` claim, letter by letter."""
    jwks_uri: HttpsUrl
    """Where the issuer publishes its keys; istiod must reach it."""
    audiences: tuple[str, ...] = Field(min_length=1)
    """The `aud` claims that are meant for us; a token for another service is refused."""
    roles_claim: str = Field(default="roles", min_length=1)
    """Claim with the caller's roles: a list of words."""
    predict_role: str = Field(default="predict", min_length=1)
    """Role that may ask for predictions."""
    tester_role: str = Field(default="tester", min_length=1)
    """Role that may also name the version to ask, by header."""


class ExternalDnsSettings(Part):
    """A DNS record for the hostname, kept by external-dns."""

    zone_id: str = Field(pattern=r"^Z[A-Z0-9]{6,31}$")
    """Route 53 zone that external-dns may write, and no other."""


class EdgeSettings(Part):
    """The one address of all endpoints, its certificate, and who may call it."""

    hostname: Hostname
    """Name that callers use; it must lead to the internal load balancer."""
    certificate: CertificateSettings = PrivateCa(kind="private_ca")
    """Where the gateway's TLS certificate comes from."""
    jwt: JwtSettings
    """Whose tokens open the gateway."""
    replicas: int = Field(ge=1, le=12)
    """Gateway pods; two or more survive the loss of a node."""
    rate_limit_per_second: int = Field(ge=1)
    """Requests in a second that one gateway pod lets through; the rest get 429."""
    max_body_kib: int = Field(default=1024, ge=1, le=65536)
    """KiB of the largest request; a larger one gets 413."""
    external_dns: ExternalDnsSettings | None = None
    """Keeps the hostname's record in Route 53; null: somebody else does."""
