"""A stack that keeps every rule, as small as it can be; the tests break it in one place at a time."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from infra.policies.judged import Judged, Options

DIGEST = "sha256:" + "0a" * 32
ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
ACCOUNT = "123456789012"


def urn(type_: str, name: str) -> str:
    """As the engine writes it, without parents."""
    return f"urn:pulumi:prod::stillhouse::{type_}::{name}"


def resource(
    type_: str, name: str, inputs: Mapping[str, Any], *, after: Sequence[Judged] = (), protect: bool = False
) -> Judged:
    """A resource that waits for others."""
    options = Options(protect=protect, depends_on=tuple(other.urn for other in after))
    return Judged(type=type_, name=name, urn=urn(type_, name), inputs=inputs, options=options)


def k8s(
    api: str,
    kind: str,
    name: str,
    namespace: str | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    **body: Any,
) -> Judged:
    """A Kubernetes object; `api` is `v1` or group and version."""
    metadata = {"name": name, "namespace": namespace, "labels": labels, "annotations": annotations}
    inputs = {"metadata": {key: value for key, value in metadata.items() if value is not None}, **body}
    group = api if "/" in api else f"core/{api}"
    return resource(f"kubernetes:{group}:{kind}", name, inputs)


def document(*statements: Mapping[str, Any]) -> str:
    """An IAM policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: Sequence[str], resources: Sequence[str], **more: Any) -> dict[str, Any]:
    """An allowing statement."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources), **more}


def trust(account: str) -> str:
    """What lets one service account take a role."""
    subject = {f"{ISSUER}:sub": f"system:serviceaccount:{account}", f"{ISSUER}:aud": "sts.amazonaws.com"}
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
    return document(
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": provider},
            "Condition": {"StringEquals": subject},
        }
    )


CLUSTER = resource(
    "eks:index:Cluster",
    "prod",
    {
        "version": "1.35",
        "endpointPrivateAccess": True,
        "endpointPublicAccess": True,
        "publicAccessCidrs": ["198.51.100.0/24"],
        "enabledClusterLogTypes": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
        "encryptionConfigKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1",
        "authenticationMode": "API",
        "deletionProtection": True,
        "accessEntries": {
            "operators": {
                "principalArn": f"arn:aws:iam::{ACCOUNT}:role/operators",
                "accessPolicies": {
                    "admin": {"policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"}
                },
            }
        },
    },
)
RAW_CLUSTER = resource(
    "aws:eks/cluster:Cluster",
    "prod",
    {
        "version": "1.35",
        "vpcConfig": {"endpointPrivateAccess": True, "endpointPublicAccess": False},
        "enabledClusterLogTypes": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
        "encryptionConfig": {"provider": {"keyArn": "arn:aws:kms:eu-west-1:123456789012:key/1"}},
        "accessConfig": {"authenticationMode": "API"},
        "deletionProtection": True,
    },
)
LAUNCH_TEMPLATE = resource(
    "aws:ec2/launchTemplate:LaunchTemplate",
    "system",
    {
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
        "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"encrypted": "true"}}],
        "networkInterfaces": [{"associatePublicIpAddress": "false"}],
    },
)
NODE_GROUP = resource("aws:eks/nodeGroup:NodeGroup", "system", {"launchTemplate": {"id": "lt-1", "version": "1"}})
NODE_CLASS = k8s(
    "karpenter.k8s.aws/v1",
    "EC2NodeClass",
    "gpu",
    spec={
        "amiSelectorTerms": [{"alias": "al2023@v20260903"}],
        "associatePublicIPAddress": False,
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
        "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"encrypted": True}}],
    },
)
VPC = resource("aws:ec2/vpc:Vpc", "prod", {"cidrBlock": "10.0.0.0/16"})
SUBNET = resource("aws:ec2/subnet:Subnet", "public-a", {"mapPublicIpOnLaunch": False})
GROUP = resource(
    "aws:ec2/securityGroup:SecurityGroup", "endpoints", {"ingress": [{"cidrBlocks": ["10.0.0.0/16"], "fromPort": 443}]}
)
INGRESS = resource("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "https", {"cidrIpv4": "10.0.0.0/16"})
ENDPOINT = resource(
    "aws:ec2/vpcEndpoint:VpcEndpoint",
    "s3",
    {
        "serviceName": "com.amazonaws.eu-west-1.s3",
        "vpcEndpointType": "Gateway",
        "policy": document(allow(["s3:GetObject"], ["arn:aws:s3:::artifacts/*"], Principal="*")),
    },
)
GUARDDUTY = resource("aws:guardduty/detectorFeature:DetectorFeature", "runtime", {"name": "RUNTIME_MONITORING"})
ADDON = resource("aws:eks/addon:Addon", "vpc-cni", {"addonName": "vpc-cni", "addonVersion": "v1.21.1-eksbuild.1"})

ASSOCIATION = resource(
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    "operators",
    {
        "principalArn": f"arn:aws:iam::{ACCOUNT}:role/operators",
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
    },
)
LOG_GROUP = resource(
    "aws:cloudwatch/logGroup:LogGroup",
    "flow",
    {"retentionInDays": 30, "kmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/1"},
)
FLOW_LOG = resource("aws:ec2/flowLog:FlowLog", "flow", {"vpcId": "vpc-1", "trafficType": "ALL"}, after=[VPC])
DEFAULT_GROUP = resource("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "closed", {"ingress": [], "egress": []})
QUEUE = resource("aws:sqs/queue:Queue", "interruptions", {"sqsManagedSseEnabled": True})
STORAGE_CLASS = k8s(
    "storage.k8s.io/v1", "StorageClass", "gp3", provisioner="ebs.csi.aws.com", parameters={"encrypted": "true"}
)
POOL = k8s(
    "karpenter.sh/v1",
    "NodePool",
    "gpu",
    spec={
        "template": {
            "spec": {
                "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}],
                "requirements": [
                    {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g6.4xlarge"]}
                ],
            }
        },
        "limits": {"cpu": "128"},
        "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "300s"},
    },
)

SERVING_ROLE = resource("aws:iam/role:Role", "serving", {"assumeRolePolicy": trust("models:serving")})
SERVING_POLICY = resource(
    "aws:iam/rolePolicy:RolePolicy",
    "serving",
    {
        "policy": document(
            allow(["s3:GetObject"], ["arn:aws:s3:::artifacts/models/*"]),
            allow(["s3:ListBucket"], ["arn:aws:s3:::artifacts"]),
            allow(["kms:Decrypt"], ["arn:aws:kms:eu-west-1:123456789012:key/1"]),
        )
    },
)
PUBLISHING_POLICY = resource(
    "aws:iam/policy:Policy",
    "publishing",
    {"policy": document(allow(["s3:PutObject", "s3:GetObject"], ["arn:aws:s3:::artifacts/models/*"]))},
)
READING_POLICY = resource(
    "aws:iam/policy:Policy",
    "karpenter",
    {
        "policy": document(
            allow(["ec2:DescribeInstances", "pricing:GetProducts"], ["*"]),
            allow(["ec2:RunInstances"], ["*"], Condition={"StringEquals": {"aws:RequestTag/owner": "prod"}}),
            allow(["ecr:GetAuthorizationToken"], ["*"]),
        )
    },
)
EXPORT_ROLE = resource(
    "aws:iam/role:Role",
    "snowflake",
    {
        "assumeRolePolicy": document(
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
                "Condition": {"StringEquals": {"sts:ExternalId": "e-1"}},
            }
        ),
        "inlinePolicies": [{"policy": document(allow(["s3:PutObject"], ["arn:aws:s3:::artifacts/snowflake/*"]))}],
    },
)
ATTACHMENT = resource(
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "nodes",
    {"policyArn": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"},
)

KEY = resource(
    "aws:kms/key:Key",
    "artifacts",
    {
        "enableKeyRotation": True,
        "policy": document(allow(["kms:Decrypt"], ["*"], Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})),
    },
    protect=True,
)
BUCKET = resource("aws:s3/bucket:Bucket", "artifacts", {"bucket": "artifacts"}, protect=True)
PUBLIC_BLOCK = resource(
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "artifacts",
    {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True},
    after=[BUCKET],
)
BUCKET_POLICY = resource(
    "aws:s3/bucketPolicy:BucketPolicy",
    "artifacts",
    {
        "policy": document(
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": ["arn:aws:s3:::artifacts", "arn:aws:s3:::artifacts/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            {
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": ["s3:DeleteObjectVersion"],
                "Resource": ["arn:aws:s3:::artifacts/models/*"],
            },
        )
    },
    after=[BUCKET],
)
ENCRYPTION = resource(
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "artifacts",
    {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "key"}}]},
    after=[BUCKET, KEY],
)
VERSIONING = resource(
    "aws:s3/bucketVersioning:BucketVersioning",
    "artifacts",
    {"versioningConfiguration": {"status": "Enabled"}},
    after=[BUCKET],
)
REPOSITORY = resource(
    "aws:ecr/repository:Repository",
    "triton",
    {
        "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": True},
        "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": "key"}],
    },
    protect=True,
)
REPOSITORY_POLICY = resource(
    "aws:ecr/repositoryPolicy:RepositoryPolicy",
    "triton",
    {"policy": document({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": ["ecr:BatchGetImage"]})},
)
STACK = k8s(
    "pulumi.com/v1",
    "Stack",
    "prod-releases",
    "gitops",
    spec={"backend": "s3://state", "secretsProvider": "awskms://alias/state", "envRefs": {}},
)


def space(name: str, level: str = "restricted") -> Judged:
    """A namespace with its labels."""
    modes = {"enforce": level, "audit": "restricted", "warn": "restricted"}
    labels = {f"pod-security.kubernetes.io/{mode}": value for mode, value in modes.items()}
    labels |= {f"{label}-version": "v1.35" for label in labels}
    reason = {"stillhouse.dev/pod-security": "writes the node's network"} if level != "restricted" else None
    return k8s("v1", "Namespace", name, labels=labels, annotations=reason)


def deny(namespace: str) -> Judged:
    """Nothing in, nothing out."""
    spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []}
    return k8s("networking.k8s.io/v1", "NetworkPolicy", f"{namespace}-deny-all", namespace, spec=spec)


MODELS, SYSTEM, CNI_SPACE = space("models"), space("istio-system"), space("istio-cni", "privileged")
OPENING = k8s(
    "networking.k8s.io/v1",
    "NetworkPolicy",
    "xds",
    "istio-system",
    spec={"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"ports": [{"port": 15012}]}]},
)
FROM_PROMETHEUS = k8s(
    "networking.k8s.io/v1",
    "NetworkPolicy",
    "metrics",
    "models",
    spec={"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/16"}}]}]},
)

SECURE = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
PROBE = {"httpGet": {"path": "/v2/health/ready", "port": 8080}}
HIDDEN = "shared-memory,model-repository,model-config,statistics,trace,logging:admin-key=$(ADMIN_KEY)"
TRITON_ARGS = [
    "--model-store=/mnt/models",
    "--model-control-mode=none",
    "--disable-auto-complete-config",
    "--exit-on-error=true",
    "--strict-readiness=true",
    "--allow-sagemaker=false",
    "--allow-vertex-ai=false",
    f"--http-restricted-api={HIDDEN}",
    f"--grpc-restricted-protocol={HIDDEN}",
    "--grpc-max-response-pool-size=64",
    "--exit-timeout-secs=10",
]
RUNTIME = k8s(
    "serving.kserve.io/v1alpha1",
    "ServingRuntime",
    "triton",
    "models",
    spec={
        "containers": [
            {
                "name": "kserve-container",
                "image": f"nvcr.io/nvidia/tritonserver:26.07-py3@{DIGEST}",
                "command": ["tritonserver"],
                "args": TRITON_ARGS,
                "securityContext": SECURE,
                "startupProbe": PROBE,
                "readinessProbe": PROBE,
                "livenessProbe": PROBE,
                "lifecycle": {"preStop": {"sleep": {"seconds": 15}}},
                "env": [{"name": "ADMIN_KEY", "valueFrom": {"secretKeyRef": {"name": "admin", "key": "key"}}}],
            }
        ],
        "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}],
    },
)
SPREAD = [{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}]
RESOURCES = {"requests": {"cpu": "4", "memory": "16Gi"}, "limits": {"memory": "16Gi"}}
SERVED = k8s(
    "serving.kserve.io/v1beta1",
    "InferenceService",
    "clicks-v1",
    "models",
    labels={"stillhouse.dev/endpoint": "clicks"},
    annotations={
        "serving.kserve.io/deploymentMode": "Standard",
        "serving.kserve.io/autoscalerClass": "external",
        "stillhouse.dev/digest": DIGEST,
    },
    spec={
        "predictor": {
            "minReplicas": 2,
            "maxReplicas": 8,
            "serviceAccountName": "serving",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 1000},
            "topologySpreadConstraints": SPREAD,
            "model": {
                "modelFormat": {"name": "triton"},
                "runtime": "triton",
                "storageUri": "s3://artifacts/models/clicks/v1/",
                "resources": RESOURCES,
            },
        }
    },
)
BUDGET = k8s(
    "policy/v1",
    "PodDisruptionBudget",
    "clicks-v1",
    "models",
    spec={"maxUnavailable": 1, "selector": {"matchLabels": {"serving.kserve.io/inferenceservice": "clicks-v1"}}},
)
WORKLOAD = k8s(
    "apps/v1",
    "Deployment",
    "triton-alone",
    "models",
    spec={
        "replicas": 1,
        "template": {
            "metadata": {"labels": {"app": "triton-alone"}},
            "spec": {
                "serviceAccountName": "serving",
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "terminationGracePeriodSeconds": 60,
                "securityContext": SECURE,
                "containers": [
                    {
                        **RUNTIME.inputs["spec"]["containers"][0],
                        "resources": RESOURCES,
                        "ports": [{"containerPort": 8080}],
                    }
                ],
                "initContainers": [
                    {
                        "name": "fetch",
                        "image": f"example/fetch:1.0@{DIGEST}",
                        "securityContext": SECURE,
                        "resources": RESOURCES,
                    }
                ],
            },
        },
    },
)
ROLE = k8s(
    "rbac.authorization.k8s.io/v1",
    "Role",
    "gitops",
    "models",
    rules=[{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["admin"], "verbs": ["get"]}],
)
BINDING = k8s(
    "rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "viewers", roleRef={"kind": "ClusterRole", "name": "view"}
)
WEBHOOK = k8s(
    "admissionregistration.k8s.io/v1",
    "ValidatingWebhookConfiguration",
    "guard",
    webhooks=[{"name": "guard", "timeoutSeconds": 5, "namespaceSelector": {"matchLabels": {"guarded": "true"}}}],
)
CONFIG = k8s("v1", "ConfigMap", "buckets", "models")


def chart(name: str, namespace: str, values: Mapping[str, Any]) -> Judged:
    """A Helm release."""
    repository = {"repo": "https://charts.example.com"}
    inputs = {
        "chart": name,
        "version": "1.30.3",
        "namespace": namespace,
        "repositoryOpts": repository,
        "values": values,
    }
    return resource("kubernetes:helm.sh/v3:Release", name, inputs)


ISTIOD = chart(
    "istiod",
    "istio-system",
    {
        "cni": {"enabled": True},
        "meshConfig": {
            "pathNormalization": {"normalization": "DECODE_AND_MERGE_SLASHES"},
            "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
        },
    },
)
CNI = chart("cni", "istio-cni", {})
SCHEME = "service.beta.kubernetes.io/aws-load-balancer-scheme"
GATEWAY_CHART = chart(
    "gateway", "istio-ingress", {"service": {"type": "LoadBalancer", "annotations": {SCHEME: "internal"}}}
)
KSERVE = chart(
    "kserve-resources",
    "kserve",
    {"kserve": {"controller": {"deploymentMode": "Standard", "gateway": {"disableIngressCreation": True}}}},
)
PEER = k8s(
    "security.istio.io/v1",
    "PeerAuthentication",
    "default",
    "istio-system",
    spec={"mtls": {"mode": "STRICT"}, "portLevelMtls": {"8002": {"mode": "PERMISSIVE"}}},
)
NOTHING = k8s("security.istio.io/v1", "AuthorizationPolicy", "allow-nothing", "istio-system", spec={})
GATEWAY_LABELS = {"selector": {"matchLabels": {"istio": "gateway"}}}
REQUEST = k8s(
    "security.istio.io/v1",
    "RequestAuthentication",
    "tokens",
    "istio-ingress",
    spec={
        **GATEWAY_LABELS,
        "jwtRules": [{"issuer": "https://issuer", "audiences": ["stillhouse"], "jwksUri": "https://issuer/keys.json"}],
    },
)
CALLERS = k8s(
    "security.istio.io/v1",
    "AuthorizationPolicy",
    "callers",
    "istio-ingress",
    spec={
        **GATEWAY_LABELS,
        "action": "ALLOW",
        "rules": [
            {
                "from": [{"source": {"requestPrincipals": ["https://issuer/*"]}}],
                "to": [{"operation": {"methods": ["POST"], "paths": ["/v2/models/{*}/infer"]}}],
                "when": [{"key": "request.auth.claims[roles]", "values": ["predict"]}],
            }
        ],
    },
)
REFUSALS = k8s(
    "security.istio.io/v1",
    "AuthorizationPolicy",
    "refusals",
    "istio-ingress",
    spec={
        **GATEWAY_LABELS,
        "action": "DENY",
        "rules": [{"from": [{"source": {"notRequestPrincipals": ["https://issuer/*"]}}]}],
    },
)
PEERS = k8s(
    "security.istio.io/v1",
    "AuthorizationPolicy",
    "clicks",
    "models",
    spec={
        "selector": {"matchLabels": {"stillhouse.dev/endpoint": "clicks"}},
        "action": "ALLOW",
        "rules": [{"from": [{"source": {"principals": ["cluster.local/ns/istio-ingress/sa/gateway"]}}]}],
    },
)
DESTINATION = k8s(
    "networking.istio.io/v1",
    "DestinationRule",
    "issuer",
    "models",
    spec={
        "host": "issuer",
        "trafficPolicy": {"tls": {"mode": "SIMPLE", "caCertificates": "/etc/ca.pem"}},
        "subsets": [{"name": "v1", "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}}],
    },
)
ALERT = k8s(
    "monitoring.coreos.com/v1",
    "PrometheusRule",
    "mesh",
    "monitoring",
    spec={"groups": [{"rules": [{"alert": "Refused", "expr": "rate(pilot_total_xds_rejects[5m]) > 0"}]}]},
)
GATEWAY = k8s(
    "networking.istio.io/v1",
    "Gateway",
    "gateway",
    "istio-ingress",
    spec={
        "servers": [
            {
                "port": {"number": 443, "protocol": "HTTPS"},
                "hosts": ["models/predict.example.com"],
                "tls": {"mode": "SIMPLE", "credentialName": "tls", "minProtocolVersion": "TLSV1_2"},
            },
            {
                "port": {"number": 80, "protocol": "HTTP"},
                "hosts": ["models/predict.example.com"],
                "tls": {"httpsRedirect": True},
            },
        ]
    },
)
API_GATEWAY = k8s(
    "gateway.networking.k8s.io/v1",
    "Gateway",
    "api-gateway",
    "istio-ingress",
    spec={"listeners": [{"hostname": "predict.example.com", "protocol": "HTTPS", "port": 443, "tls": {}}]},
)
ROUTE = k8s(
    "networking.istio.io/v1",
    "VirtualService",
    "clicks",
    "models",
    spec={
        "hosts": ["predict.example.com"],
        "http": [
            {
                "match": [{"uri": {"exact": "/v2/models/clicks/infer"}}],
                "timeout": "0.5s",
                "route": [{"destination": {"host": "clicks-v1-predictor", "port": {"number": 80}}, "weight": 100}],
            },
            {"directResponse": {"status": 404}},
        ],
    },
)
FILTER = k8s(
    "networking.istio.io/v1alpha3",
    "EnvoyFilter",
    "limits",
    "istio-ingress",
    spec={
        "configPatches": [
            {"patch": {"value": {"typed_config": {"max_request_bytes": 1048576}}}},
            {"patch": {"value": {"name": "envoy.filters.http.local_ratelimit"}}},
        ]
    },
)
BALANCER = k8s(
    "v1", "Service", "gateway", "istio-ingress", annotations={SCHEME: "internal"}, spec={"type": "LoadBalancer"}
)

ESTATE: tuple[Judged, ...] = (
    CLUSTER,
    RAW_CLUSTER,
    LAUNCH_TEMPLATE,
    NODE_GROUP,
    NODE_CLASS,
    VPC,
    SUBNET,
    GROUP,
    INGRESS,
    ENDPOINT,
    GUARDDUTY,
    ADDON,
    ASSOCIATION,
    LOG_GROUP,
    FLOW_LOG,
    DEFAULT_GROUP,
    QUEUE,
    STORAGE_CLASS,
    POOL,
    SERVING_ROLE,
    SERVING_POLICY,
    PUBLISHING_POLICY,
    READING_POLICY,
    EXPORT_ROLE,
    ATTACHMENT,
    BUCKET,
    PUBLIC_BLOCK,
    BUCKET_POLICY,
    ENCRYPTION,
    VERSIONING,
    KEY,
    REPOSITORY,
    REPOSITORY_POLICY,
    STACK,
    MODELS,
    SYSTEM,
    CNI_SPACE,
    deny("models"),
    deny("istio-system"),
    deny("istio-cni"),
    OPENING,
    FROM_PROMETHEUS,
    RUNTIME,
    SERVED,
    BUDGET,
    WORKLOAD,
    ROLE,
    BINDING,
    WEBHOOK,
    CONFIG,
    ISTIOD,
    CNI,
    GATEWAY_CHART,
    KSERVE,
    PEER,
    NOTHING,
    REQUEST,
    CALLERS,
    REFUSALS,
    PEERS,
    DESTINATION,
    ALERT,
    GATEWAY,
    API_GATEWAY,
    ROUTE,
    FILTER,
    BALANCER,
)
