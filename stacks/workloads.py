"""The cluster's half of a platform: what every model needs around it, in the order in which the parts need each other.

Deletion is the reverse: the gateway's load balancer goes before the controller that must remove it, NodePools before
Karpenter, KServe's objects before its webhooks, and those before cert-manager.
"""

from dataclasses import dataclass

import pulumi
from pulumi_aws import kms

from infra import external_dns, keda, load_balancer, publishing, versions
from infra.certificates.authority import Issuer, PrivateAuthority, PrivateAuthorityArgs
from infra.certificates.manager import CertManager, CertManagerArgs
from infra.conductor import room
from infra.conductor.room import ConductorRoom, ConductorRoomArgs
from infra.edge.args import EdgeArgs
from infra.edge.edge import Edge
from infra.edge.filters import EdgeLimits
from infra.edge.tokens import TokenRules
from infra.external_dns import ExternalDns, ExternalDnsArgs
from infra.gitops import args as gitops_args
from infra.gitops.args import GitOpsArgs
from infra.gitops.operator import GitOps
from infra.gitops.workflow import WorkflowAccess, WorkflowAccessArgs
from infra.identity.controller_documents import external_dns_policy, load_balancer_policy, pulumi_operator_policy
from infra.identity.model_documents import Prefix, publishing_policy, serving_policy
from infra.identity.policy_document import PolicyDocument
from infra.identity.trusted_role import GithubEnvironment
from infra.identity.workload_role import WorkloadRole, WorkloadRoleArgs
from infra.keda import Keda, KedaArgs
from infra.kserve.controller import KServe, KServeArgs
from infra.kserve.serving_namespace import SERVICE_ACCOUNT, ServingNamespace, ServingNamespaceArgs
from infra.kserve.triton import Accelerator, TritonRuntime, TritonRuntimeArgs
from infra.load_balancer import LoadBalancerController, LoadBalancerControllerArgs
from infra.mesh.mesh import Mesh, MeshArgs
from infra.nodes.capacity import Capacity, OnDemand, Reservation, Spot
from infra.nodes.gpu import GpuSupport, GpuSupportArgs
from infra.nodes.karpenter import Karpenter, KarpenterArgs
from infra.nodes.node_class import Volume
from infra.nodes.placement import CPU, GPU, Placement
from infra.nodes.pools import NodePools, NodePoolsArgs, PoolArgs
from infra.observability.alerting import AlertReceiver, ReceiverKind
from infra.observability.args import ObservabilityArgs
from infra.observability.stack import Observability
from infra.pods import PodRequests
from infra.publishing import Publishing, PublishingArgs
from stacks.dashboards import dashboards
from stacks.foundation import Foundation
from stacks.settings.edge import AcmCertificate, ExistingIssuer
from stacks.settings.nodes import CapacitySettings, PoolSettings
from stacks.settings.nodes import Reservation as ReservationSettings
from stacks.settings.nodes import Spot as SpotSettings
from stacks.settings.secret_settings import read_secret
from stacks.settings.settings import Settings

STATE_PREFIX = ".pulumi"
"""Where Pulumi keeps its state in a bucket."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workloads:
    """What the releases stack is told of, and what the system nodes must hold."""

    edge: Edge
    serving: ServingNamespace
    cpu_runtime: TritonRuntime
    gpu_runtime: TritonRuntime
    observability: Observability
    conductors: ConductorRoom | None
    requests: tuple[PodRequests, ...]


class WorkloadsBuilder:
    """Makes one part a method; `build` is the order."""

    def __init__(self, settings: Settings, foundation: Foundation) -> None:
        self.settings = settings
        self.foundation = foundation
        self.place = foundation.place
        self.requests: list[PodRequests] = []

    def build(self) -> Workloads:
        """Nodes, certificates, mesh, edge, models, and who applies releases."""
        observability = self._observability()
        karpenter = self._karpenter(observability)
        controller = self._load_balancer()
        certificates = self._cert_manager(observability)
        scaler = self._keda(observability)
        mesh = self._mesh(observability)
        edge = self._edge(certificates, mesh, controller)
        kserve = self._kserve(certificates, mesh, scaler)
        serving = self._serving(mesh, kserve)
        self._publishing()
        cpu = self._runtime(serving, kserve, Accelerator.CPU, CPU)
        gpu = self._runtime(serving, kserve, Accelerator.GPU, GPU)
        self._pools(karpenter)
        conductors = self._conductors(observability)
        self._gitops(serving, kserve, conductors)
        self._workflow(serving, conductors)
        return Workloads(
            edge=edge,
            serving=serving,
            cpu_runtime=cpu,
            gpu_runtime=gpu,
            observability=observability,
            conductors=conductors,
            requests=tuple(self.requests),
        )

    def _after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        """In the cluster, after its nodes and add-ons and whatever is named; gone before any of them."""
        return pulumi.ResourceOptions(
            providers=[self.foundation.cluster.provider], depends_on=[self.foundation.addons, *resources]
        )

    def _role(self, name: str, namespace: str, account: str, policy: PolicyDocument) -> WorkloadRole:
        """A role of one service account; who uses it depends on it, so that its rights last until the end."""
        return WorkloadRole(
            f"{name}-role",
            WorkloadRoleArgs(
                cluster=self.foundation.cluster.identity,
                namespace=namespace,
                service_account=account,
                policy=policy,
                tags=self.place.tags,
            ),
        )

    def _models(self) -> Prefix:
        """Where models lie."""
        bucket = self.foundation.bucket
        return Prefix(
            account=self.place.account,
            bucket_arn=bucket.bucket_arn,
            kms_key_arn=bucket.kms_key_arn,
            prefix=self.settings.serving.artifact_prefix,
        )

    def _observability(self) -> Observability:
        asked = self.settings.observability
        receiver = None
        if asked.alert_receiver != "none":
            receiver = AlertReceiver(
                kind=ReceiverKind(asked.alert_receiver), secret=read_secret("alert_receiver_secret")
            )
        args = ObservabilityArgs(
            retention_days=asked.retention_days,
            storage_gib=asked.storage_gib,
            replicas=asked.replicas,
            serving_namespace=self.settings.serving.namespace,
            asked_from=(keda.NAMESPACE, *((room.NAMESPACE,) if self.settings.gitops.conductors else ())),
            dashboards=dashboards(),
            receiver=receiver,
        )
        self.requests.extend(args.requests())
        return Observability("observability", args, self._after())

    def _karpenter(self, observability: Observability) -> Karpenter:
        args = KarpenterArgs(
            account=self.place.account,
            cluster=self.foundation.cluster.identity,
            replicas=min(2, self.settings.nodes.system.count),
            retain_crds=self.settings.cluster.deletion_protection,
            tags=self.place.tags,
        )
        self.requests.extend(args.requests())
        karpenter = Karpenter("karpenter", args, self._after(observability))
        if self.settings.nodes.gpu.maximum:
            GpuSupport("gpu-support", GpuSupportArgs(), self._after(observability))
        return karpenter

    def _pools(self, karpenter: Karpenter) -> None:
        asked = {CPU: self.settings.nodes.cpu, GPU: self.settings.nodes.gpu}
        pools = [_pool(placement, pool) for placement, pool in asked.items() if pool.maximum]
        if pools:
            args = NodePoolsArgs(
                node_role_name=karpenter.node_role_name,
                subnet_ids=self.foundation.network.private_subnet_ids,
                security_group_ids=[self.foundation.cluster.cluster_security_group_id],
                zones=self.settings.zones,
                image=self.foundation.release.image,
                pools=pools,
                tags=self.place.tags,
            )
            NodePools("pools", args, self._after(karpenter))

    def _load_balancer(self) -> LoadBalancerController:
        policy = load_balancer_policy(self.place.account, self.place.cluster_name)
        role = self._role("load-balancer", load_balancer.NAMESPACE, load_balancer.SERVICE_ACCOUNT, policy)
        args = LoadBalancerControllerArgs(
            cluster_name=self.place.cluster_name,
            vpc_id=self.foundation.network.vpc_id,
            region=self.settings.region,
            role_arn=role.arn,
            replicas=min(2, self.settings.edge.replicas),
        )
        self.requests.extend(args.requests())
        return LoadBalancerController("load-balancer", args, self._after(role))

    def _cert_manager(self, observability: Observability) -> CertManager:
        args = CertManagerArgs(webhook_replicas=min(2, self.settings.edge.replicas))
        self.requests.extend(args.requests())
        return CertManager("cert-manager", args, self._after(observability))

    def _keda(self, observability: Observability) -> Keda:
        args = KedaArgs()
        self.requests.extend(args.requests())
        return Keda("keda", args, self._after(observability))

    def _mesh(self, observability: Observability) -> Mesh:
        args = MeshArgs(istiod_replicas=min(2, self.settings.edge.replicas))
        self.requests.extend(args.requests())
        return Mesh("mesh", args, self._after(observability))

    def _edge(self, certificates: CertManager, mesh: Mesh, controller: LoadBalancerController) -> Edge:
        asked = self.settings.edge
        certificate = asked.certificate
        args = EdgeArgs(
            hostname=asked.hostname,
            issuer=self._issuer(certificates),
            token=TokenRules(
                issuer=asked.jwt.issuer,
                jwks_uri=asked.jwt.jwks_uri,
                audiences=asked.jwt.audiences,
                roles_claim=asked.jwt.roles_claim,
                predict_role=asked.jwt.predict_role,
                tester_role=asked.jwt.tester_role,
            ),
            limits=EdgeLimits(requests_per_s=asked.rate_limit_per_second, max_body_bytes=asked.max_body_kib * 1024),
            serving_namespace=self.settings.serving.namespace,
            latency_goal_ms=self.settings.serving.latency_goal_ms,
            listener_certificate_arn=certificate.arn if isinstance(certificate, AcmCertificate) else None,
            replicas=asked.replicas,
            subnet_ids=self.foundation.network.private_subnet_ids,
            publish_dns=asked.external_dns is not None,
            tags=self.place.tags,
        )
        self.requests.extend(args.requests())
        before: list[pulumi.Resource] = [certificates, mesh, controller]
        if asked.external_dns is not None:
            before.append(self._external_dns(asked.external_dns.zone_id))
        return Edge("edge", args, self._after(*before))

    def _issuer(self, certificates: CertManager) -> Issuer:
        certificate = self.settings.edge.certificate
        if isinstance(certificate, ExistingIssuer):
            return Issuer(name=certificate.name)
        return PrivateAuthority("authority", PrivateAuthorityArgs(), self._after(certificates)).issuer

    def _external_dns(self, zone_id: str) -> ExternalDns:
        policy = external_dns_policy(self.place.account, zone_id)
        role = self._role("external-dns", external_dns.NAMESPACE, external_dns.SERVICE_ACCOUNT, policy)
        args = ExternalDnsArgs(
            hostname=self.settings.edge.hostname,
            zone_id=zone_id,
            owner=self.place.cluster_name,
            role_arn=role.arn,
            region=self.settings.region,
        )
        self.requests.extend(args.requests())
        return ExternalDns("external-dns", args, self._after(role))

    def _kserve(self, *before: pulumi.Resource) -> KServe:
        args = KServeArgs(region=self.settings.region)
        self.requests.extend(args.requests())
        return KServe("kserve", args, self._after(*before))

    def _serving(self, mesh: Mesh, kserve: KServe) -> ServingNamespace:
        namespace = self.settings.serving.namespace
        role = self._role("serving", namespace, SERVICE_ACCOUNT, serving_policy(self._models()))
        args = ServingNamespaceArgs(namespace=namespace, role_arn=role.arn, region=self.settings.region)
        return ServingNamespace("serving", args, self._after(mesh, kserve, role))

    def _publishing(self) -> Publishing:
        policy = publishing_policy(self._models())
        role = self._role("publishing", publishing.NAMESPACE, publishing.SERVICE_ACCOUNT, policy)
        return Publishing("publishing", PublishingArgs(role_arn=role.arn), self._after(role))

    def _runtime(
        self, serving: ServingNamespace, kserve: KServe, accelerator: Accelerator, placement: Placement
    ) -> TritonRuntime:
        args = TritonRuntimeArgs(
            namespace=serving.namespace,
            accelerator=accelerator,
            image=self.settings.serving.triton_image or _shipped_triton(),
            node_selector=placement.node_selector,
            tolerations=placement.tolerations,
            latency_goal_ms=self.settings.serving.latency_goal_ms,
            max_body_bytes=self.settings.edge.max_body_kib * 1024,
        )
        return TritonRuntime(f"triton-{accelerator}", args, self._after(serving, kserve))

    def _conductors(self, observability: Observability) -> ConductorRoom | None:
        endpoints = self.settings.gitops.conductors
        if not endpoints:
            return None
        args = ConductorRoomArgs(endpoints=endpoints, git_token=read_secret("conductor_token"))
        self.requests.extend(args.requests())
        return ConductorRoom("conductors", args, self._after(observability))

    def _gitops(self, serving: ServingNamespace, kserve: KServe, conductors: ConductorRoom | None) -> None:
        asked = self.settings.gitops
        if not asked.has_operator:
            return
        assert asked.repository is not None
        assert asked.state_bucket is not None
        assert asked.image is not None
        role = self._role("releases", gitops_args.NAMESPACE, gitops_args.SERVICE_ACCOUNT, self._state_policy())
        args = GitOpsArgs(
            stack=f"{self.place.environment}-releases",
            repository=asked.repository,
            branch=asked.branch,
            state_bucket=asked.state_bucket,
            state_key_alias=asked.state_key_alias,
            region=self.settings.region,
            role_arn=role.arn,
            serving_namespace=serving.namespace,
            conductor_namespace=conductors.namespace if conductors else None,
            image=asked.image,
            git_token=read_secret("git_token") if asked.private_repository else None,
        )
        self.requests.extend(args.requests())
        GitOps("gitops", args, self._after(serving, kserve, role))

    def _workflow(self, serving: ServingNamespace, conductors: ConductorRoom | None) -> None:
        asked = self.settings.gitops
        if not asked.has_workflow or asked.github is None:
            return
        github = GithubEnvironment(
            provider_arn=asked.github.oidc_provider_arn,
            repository=asked.github.repository,
            environment=f"{self.place.environment}-releases",
        )
        args = WorkflowAccessArgs(
            account=self.place.account,
            cluster_name=self.place.cluster_name,
            github=github,
            state_policy=self._state_policy(),
            serving_namespace=serving.namespace,
            conductor_namespace=conductors.namespace if conductors else None,
            tags=self.place.tags,
        )
        access = WorkflowAccess("releases-workflow", args, self._after(serving))
        pulumi.export("releases_workflow_role_arn", access.role_arn)

    def _state_policy(self) -> PolicyDocument:
        """The backend and its key were made before the first stack, so they are looked up."""
        account, asked = self.place.account, self.settings.gitops
        key = kms.get_alias_output(name=asked.state_key_alias)
        return pulumi_operator_policy(
            account,
            state_bucket_arn=f"arn:{account.partition}:s3:::{asked.state_bucket}",
            state_prefix=STATE_PREFIX,
            kms_key_arn=key.target_key_arn,
        )


def _shipped_triton() -> str:
    reference = versions.TRITON.reference
    assert reference is not None
    return reference


def _pool(placement: Placement, asked: PoolSettings) -> PoolArgs:
    return PoolArgs(
        placement=placement,
        instance_type=asked.instance_type,
        max_nodes=asked.maximum,
        capacity=_capacity(asked.capacity),
        volume=Volume(gib=asked.volume_gib, throughput_mibps=asked.volume_throughput_mibps),
    )


def _capacity(asked: CapacitySettings) -> Capacity:
    if isinstance(asked, SpotSettings):
        return Spot()
    return Reservation(ids=(asked.id,)) if isinstance(asked, ReservationSettings) else OnDemand()
