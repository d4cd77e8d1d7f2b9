"""A real Kubernetes control plane on the loopback: etcd, API server and controllers, with admission as on EKS."""

import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from model.errors import UserError
from serving.twin.process import free_ports
from tests.cluster.api import Api
from tests.cluster.child import Child, answers, running
from tools.build import programs

READY_SECONDS = 90
USERS = {
    "admin": ("admin", "system:masters"),
    "controllers": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
}
"""Token -> user and group; the tokens are good for this server only, which listens on the loopback."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlPlane:
    """A running control plane."""

    url: str
    folder: Path
    """Logs, data and credentials."""
    api: Api
    authority: trustme.CA
    """Whom the API server's clients trust."""
    children: dict[str, Child] = field(default_factory=dict)

    def kubeconfig(self, token: str = "admin") -> Path:
        """A file that gives a program the user of the token."""
        path = self.folder / f"{token}.kubeconfig"
        cluster = {"server": self.url, "certificate-authority": str(self.folder / "ca.pem")}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": token, "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": token}}],
            "current-context": "test",
        }
        path.write_text(yaml.safe_dump(content))
        return path


def program_path(name: str) -> Path:
    """The built program. Raises `UserError` where it is missing or of other pins."""
    program = programs()[name]
    if not program.is_fresh:
        raise UserError(f"{name} is not built, or of other pins (got {program.path})", hint="run `make tools`")
    return program.path


@contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """Start etcd, the API server and its controllers; everything ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="Stillhouse cluster tests")
    _write_credentials(folder, authority)
    with ExitStack() as stack:
        client_port, peer_port, port = free_ports(3)
        etcd_url = f"http://127.0.0.1:{client_port}"
        etcd = stack.enter_context(running("etcd", _etcd(folder, etcd_url, peer_port), folder=folder))
        etcd.wait_until(lambda: answers(f"{etcd_url}/health"), within_s=READY_SECONDS, what="etcd's health")

        url = f"https://127.0.0.1:{port}"
        server = stack.enter_context(running("kube-apiserver", _api_server(folder, port, etcd_url), folder=folder))
        api = stack.enter_context(
            Api(url, token="admin", authority=ssl.create_default_context(cafile=folder / "ca.pem"))
        )
        server.wait_until(api.is_ready, within_s=READY_SECONDS, what="the API server's readiness")

        plane = ControlPlane(
            url=url, folder=folder, api=api, authority=authority, children={"etcd": etcd, "kube-apiserver": server}
        )
        controllers = stack.enter_context(
            running("kube-controller-manager", _controllers(folder, plane.kubeconfig("controllers")), folder=folder)
        )
        plane.children["kube-controller-manager"] = controllers
        # Pods need the account that a controller makes, so this is when the cluster is of use.
        controllers.wait_until(
            lambda: api.find("v1", "ServiceAccount", "default", "default") is not None,
            within_s=READY_SECONDS,
            what="the default service account",
        )
        yield plane


def _etcd(folder: Path, url: str, peer_port: int) -> list[str]:
    return [
        str(program_path("etcd")),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls=http://127.0.0.1:{peer_port}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _api_server(folder: Path, port: int, etcd_url: str) -> list[str]:
    return [
        str(program_path("kube-apiserver")),
        f"--etcd-servers={etcd_url}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=172.20.0.0/16",
        f"--tls-cert-file={folder / 'server.pem'}",
        f"--tls-private-key-file={folder / 'server.key'}",
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=Node,RBAC",
        "--allow-privileged=true",
        # What the platform counts on being refused; both are on by default, and named so that they stay on.
        "--enable-admission-plugins=PodSecurity,ValidatingAdmissionPolicy",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'accounts.pub'}",
        f"--service-account-signing-key-file={folder / 'accounts.key'}",
    ]


def _controllers(folder: Path, kubeconfig: Path) -> list[str]:
    return [
        str(program_path("kube-controller-manager")),
        f"--kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
        "--use-service-account-credentials=true",
        # A namespace with a hundred kinds is searched kind by kind; the default rate makes that take seconds.
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        f"--service-account-private-key-file={folder / 'accounts.key'}",
        f"--root-ca-file={folder / 'ca.pem'}",
    ]


def _write_credentials(folder: Path, authority: trustme.CA) -> None:
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    server = authority.issue_cert("127.0.0.1", "localhost")
    server.private_key_pem.write_to_path(str(folder / "server.key"))
    for pem in server.cert_chain_pems:
        pem.write_to_path(str(folder / "server.pem"), append=True)
    lines = [f'{token},{user},{user},"{group}"' for token, (user, group) in USERS.items()]
    (folder / "tokens.csv").write_text("\n".join(lines))
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (folder / "accounts.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    (folder / "accounts.pub").write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
