"""For each rule the ways to break it, and some that look like it and are allowed."""

from infra.policies.judged import UNKNOWN, Judged
from tests.infra.policies import estate as e
from tests.infra.policies.changes import GONE, Change, Path, add, after, bare, drop, put
from tests.infra.policies.estate import allow, document, k8s, resource

POD: Path = ("spec", "template", "spec")
TRITON: Path = ("spec", "containers", 0)
PREDICTOR: Path = ("spec", "predictor")
SECURITY: Path = (*TRITON, "securityContext")
ARGS: Path = (*TRITON, "args")
LABELS: Path = ("metadata", "labels")
PSS = "pod-security.kubernetes.io"


def policy(*statements: dict[str, object]) -> Change:
    """Another policy for publishing."""
    return put(e.PUBLISHING_POLICY, ("policy",), document(*statements))


def writer(objects: str, name: str = "intruder") -> Judged:
    """A policy that lets somebody write objects."""
    return resource("aws:iam/policy:Policy", name, {"policy": document(allow(["s3:PutObject"], [objects]))})


def without_option(start: str) -> Change:
    """Triton's command line without one option."""
    return put(e.RUNTIME, ARGS, [word for word in e.TRITON_ARGS if not word.startswith(start)])


def with_option(start: str, word: str) -> Change:
    """Triton's command line with one option said otherwise."""
    return put(e.RUNTIME, ARGS, [word, *(word for word in e.TRITON_ARGS if not word.startswith(start))])


def role_with(**rule: list[str]) -> Change:
    """Another rule in the Kubernetes role."""
    body = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], **rule}
    return put(e.ROLE, ("rules",), [body])


EMPTY_TRUST = document({"Effect": "Allow", "Principal": {"Federated": "x"}, "Action": "sts:AssumeRoleWithWebIdentity"})
WIDE_TRUST = e.trust("models:*")
ROOT_TRUST = document(
    {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::210987654321:root"}, "Action": "sts:AssumeRole"}
)
STAR_TRUST = document({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
EVERYBODY = document({"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"], "Resource": ["*"]})
SECOND_WRITER = writer("arn:aws:s3:::artifacts/models/*")
OTHER_BUCKET = resource("aws:s3/bucket:Bucket", "other", {"bucket": "other"}, protect=True)
SECOND_MODEL = k8s("serving.kserve.io/v1beta1", "InferenceService", "two", "istio-cni", spec=e.SERVED.inputs["spec"])
OPEN_POLICY = k8s(
    "security.istio.io/v1",
    "AuthorizationPolicy",
    "open",
    "istio-ingress",
    spec={**e.GATEWAY_LABELS, "rules": [{"to": [{"operation": {"paths": ["/healthz"]}}]}]},
)
XDS_FOR_ALL = k8s(
    "networking.k8s.io/v1",
    "NetworkPolicy",
    "open-xds",
    "istio-system",
    spec={"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"ports": [{"port": 15010}]}]},
)
OWN_FILTER = ("spec", "configPatches", 0, "patch", "value", "typed_config", "max_request_bytes")

BROKEN: dict[str, list[Change]] = {
    "cluster-endpoint-is-not-open": [
        put(e.CLUSTER, ("publicAccessCidrs",), ["0.0.0.0/0"]),
        put(e.CLUSTER, ("publicAccessCidrs",), GONE),
        put(e.CLUSTER, ("endpointPrivateAccess",), False),
        put(e.RAW_CLUSTER, ("vpcConfig", "endpointPublicAccess"), True),
    ],
    "cluster-writes-all-logs": [
        put(e.CLUSTER, ("enabledClusterLogTypes",), ["api", "audit"]),
        put(e.RAW_CLUSTER, ("enabledClusterLogTypes",), GONE),
    ],
    "cluster-encrypts-secrets": [
        put(e.CLUSTER, ("encryptionConfigKeyArn",), GONE),
        put(e.RAW_CLUSTER, ("encryptionConfig",), GONE),
    ],
    "cluster-version-is-supported": [put(e.CLUSTER, ("version",), "1.33"), put(e.CLUSTER, ("version",), GONE)],
    "cluster-access-is-by-entries": [
        put(e.CLUSTER, ("authenticationMode",), "API_AND_CONFIG_MAP"),
        put(e.RAW_CLUSTER, ("accessConfig",), GONE),
    ],
    "no-aws-auth-map": [add(k8s("v1", "ConfigMap", "aws-auth", "kube-system"))],
    "administrators-are-named-roles": [
        put(e.CLUSTER, ("accessEntries", "operators", "principalArn"), "arn:aws:iam::123456789012:user/ann")
    ],
    "administration-is-for-named-roles": [put(e.ASSOCIATION, ("principalArn",), "arn:aws:iam::123456789012:root")],
    "logs-have-an-end": [put(e.LOG_GROUP, ("retentionInDays",), GONE), put(e.LOG_GROUP, ("retentionInDays",), 0)],
    "logs-are-encrypted": [put(e.LOG_GROUP, ("kmsKeyId",), GONE)],
    "networks-log-their-flows": [drop(e.FLOW_LOG), bare(e.FLOW_LOG)],
    "default-groups-let-nothing-through": [put(e.DEFAULT_GROUP, ("egress",), [{"cidrBlocks": ["0.0.0.0/0"]}])],
    "queues-are-encrypted": [put(e.QUEUE, ("sqsManagedSseEnabled",), False)],
    "volumes-are-encrypted": [put(e.STORAGE_CLASS, ("parameters",), GONE)],
    "pools-have-a-limit": [
        put(e.POOL, ("spec", "limits"), GONE),
        put(e.POOL, ("spec", "limits"), {"memory": "1Ti"}),
    ],
    "busy-nodes-are-left-alone": [
        put(e.POOL, ("spec", "disruption", "consolidationPolicy"), "WhenEmptyOrUnderutilized"),
        put(e.POOL, ("spec", "disruption"), GONE),
    ],
    "gpu-nodes-are-for-models": [
        put(e.POOL, ("spec", "template", "spec", "taints"), GONE),
        put(e.POOL, ("spec", "template", "spec", "taints", 0, "effect"), "PreferNoSchedule"),
    ],
    "launch-templates-ask-for-tokens": [
        put(e.LAUNCH_TEMPLATE, ("metadataOptions", "httpTokens"), "optional"),
        put(e.LAUNCH_TEMPLATE, ("metadataOptions", "httpPutResponseHopLimit"), 2),
        put(e.LAUNCH_TEMPLATE, ("metadataOptions",), GONE),
    ],
    "karpenter-nodes-ask-for-tokens": [
        put(e.NODE_CLASS, ("spec", "metadataOptions", "httpTokens"), "optional"),
        put(e.NODE_CLASS, ("spec", "metadataOptions"), GONE),
    ],
    "node-groups-have-a-launch-template": [put(e.NODE_GROUP, ("launchTemplate",), GONE)],
    "karpenter-disks-are-encrypted": [
        put(e.NODE_CLASS, ("spec", "blockDeviceMappings", 0, "ebs", "encrypted"), False),
        put(e.NODE_CLASS, ("spec", "blockDeviceMappings"), GONE),
    ],
    "launch-template-disks-are-encrypted": [put(e.LAUNCH_TEMPLATE, ("blockDeviceMappings", 0, "ebs"), GONE)],
    "node-groups-take-no-ssh": [put(e.NODE_GROUP, ("remoteAccess",), {"ec2SshKey": "key"})],
    "nodes-have-no-public-address": [
        put(e.LAUNCH_TEMPLATE, ("networkInterfaces", 0, "associatePublicIpAddress"), "true"),
        put(e.NODE_CLASS, ("spec", "associatePublicIPAddress"), True),
    ],
    "subnets-give-no-public-addresses": [put(e.SUBNET, ("mapPublicIpOnLaunch",), True)],
    "nothing-is-open-to-the-world": [
        put(e.GROUP, ("ingress", 0, "cidrBlocks", 0), "0.0.0.0/0"),
        put(e.INGRESS, ("cidrIpv4",), "0.0.0.0/0"),
        put(e.INGRESS, ("cidrIpv6",), "::/0"),
        add(
            resource(
                "aws:ec2/securityGroupRule:SecurityGroupRule", "ssh", {"type": "ingress", "cidrBlocks": ["0.0.0.0/0"]}
            )
        ),
    ],
    "guardduty-watches-the-cluster": [drop(e.GUARDDUTY), put(e.GUARDDUTY, ("name",), "S3_DATA_EVENTS")],
    "tokens-are-taken-from-one-account": [
        put(e.SERVING_ROLE, ("assumeRolePolicy",), EMPTY_TRUST),
        put(e.SERVING_ROLE, ("assumeRolePolicy",), WIDE_TRUST),
        put(e.SERVING_ROLE, ("assumeRolePolicy",), e.trust("models:serving").replace("StringEquals", "StringLike")),
    ],
    "no-role-trusts-everybody": [
        put(e.EXPORT_ROLE, ("assumeRolePolicy",), ROOT_TRUST),
        put(e.EXPORT_ROLE, ("assumeRolePolicy",), STAR_TRUST),
    ],
    "policies-have-no-wildcards": [
        policy(allow(["*"], ["arn:aws:s3:::artifacts/models/*"])),
        policy(allow(["sqs:*"], ["arn:aws:sqs:eu-west-1:123456789012:queue"])),
        policy(allow(["ec2:TerminateInstances"], ["*"])),
        policy({"Effect": "Allow", "NotAction": ["iam:PassRole"], "Resource": ["arn:aws:sqs:::q"]}),
        put(e.EXPORT_ROLE, ("inlinePolicies", 0, "policy"), document(allow(["kms:*"], ["key"]))),
    ],
    "no-role-has-a-sweeping-managed-policy": [
        put(e.ATTACHMENT, ("policyArn",), "arn:aws:iam::aws:policy/AdministratorAccess"),
        put(e.SERVING_ROLE, ("managedPolicyArns",), ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]),
    ],
    "objects-are-reached-by-prefix": [
        policy(allow(["s3:GetObject"], ["arn:aws:s3:::artifacts/*"])),
        policy(allow(["s3:PutObject"], ["arn:aws:s3:::artifacts"])),
    ],
    "models-have-one-writer": [
        add(SECOND_WRITER),
        add(writer("arn:aws:s3:::artifacts/*")),
        add(writer("arn:aws:s3:::artifacts/models/clicks/*")),
    ],
    "serving-policies-only-read": [
        put(e.SERVING_POLICY, ("policy",), document(allow(["s3:DeleteObject"], ["arn:aws:s3:::artifacts/tmp/*"])))
    ],
    "credentials-are-short-lived": [add(resource("aws:iam/accessKey:AccessKey", "ci", {"user": "ci"}))],
    "buckets-block-public-access": [
        drop(e.PUBLIC_BLOCK),
        bare(e.PUBLIC_BLOCK),
        add(OTHER_BUCKET),
    ],
    "public-access-blocks-are-whole": [
        put(e.PUBLIC_BLOCK, ("blockPublicAcls",), False),
        put(e.PUBLIC_BLOCK, ("restrictPublicBuckets",), GONE),
    ],
    "buckets-refuse-plain-http": [
        drop(e.BUCKET_POLICY),
        put(e.BUCKET_POLICY, ("policy",), document(allow(["s3:GetObject"], ["x"], Principal={"AWS": e.ACCOUNT}))),
    ],
    "bucket-policies-allow-nobody-at-large": [put(e.BUCKET_POLICY, ("policy",), EVERYBODY)],
    "buckets-are-encrypted": [drop(e.ENCRYPTION)],
    "buckets-use-a-key-of-ours": [
        put(e.ENCRYPTION, ("rules", 0, "applyServerSideEncryptionByDefault", "sseAlgorithm"), "AES256"),
        put(e.ENCRYPTION, ("rules", 0, "applyServerSideEncryptionByDefault", "kmsMasterKeyId"), GONE),
    ],
    "keys-rotate": [put(e.KEY, ("enableKeyRotation",), GONE)],
    "keys-are-for-named-principals": [put(e.KEY, ("policy",), EVERYBODY)],
    "buckets-keep-versions": [
        drop(e.VERSIONING),
        put(e.VERSIONING, ("versioningConfiguration", "status"), "Suspended"),
    ],
    "versions-are-not-deleted": [drop(e.BUCKET_POLICY)],
    "image-tags-never-move": [put(e.REPOSITORY, ("imageTagMutability",), "MUTABLE")],
    "images-are-scanned": [put(e.REPOSITORY, ("imageScanningConfiguration",), GONE)],
    "registries-are-encrypted": [
        put(e.REPOSITORY, ("encryptionConfigurations",), GONE),
        put(e.REPOSITORY, ("encryptionConfigurations", 0, "encryptionType"), "AES256"),
    ],
    "registries-are-private": [put(e.REPOSITORY_POLICY, ("policy",), EVERYBODY)],
    "buckets-are-reached-inside": [drop(e.ENDPOINT), put(e.ENDPOINT, ("vpcEndpointType",), "Interface")],
    "endpoints-have-policies": [
        put(e.ENDPOINT, ("policy",), GONE),
        put(e.ENDPOINT, ("policy",), document(allow(["*"], ["*"], Principal="*"))),
    ],
    "state-is-encrypted-by-kms": [
        put(e.STACK, ("spec", "secretsProvider"), "passphrase"),
        put(e.STACK, ("spec", "envRefs"), {"PULUMI_CONFIG_PASSPHRASE": {"type": "Literal"}}),
    ],
    "what-is-kept-is-kept-whole": [bare(e.KEY), bare(e.BUCKET), bare(e.REPOSITORY)],
    "namespaces-limit-their-pods": [
        put(e.SYSTEM, (*LABELS, f"{PSS}/warn"), GONE),
        put(e.SYSTEM, (*LABELS, f"{PSS}/enforce-version"), "latest"),
        put(e.SYSTEM, LABELS, GONE),
    ],
    "lower-pod-security-has-a-reason": [put(e.CNI_SPACE, ("metadata", "annotations"), GONE)],
    "models-run-restricted": [put(e.MODELS, (*LABELS, f"{PSS}/enforce"), "baseline"), add(SECOND_MODEL)],
    "namespaces-deny-by-default": [
        drop(e.deny("models")),
        add(e.space("new")),
    ],
    "network-policies-let-no-everybody-in": [
        put(e.FROM_PROMETHEUS, ("spec", "ingress", 0), {}),
        put(e.FROM_PROMETHEUS, ("spec", "ingress", 0, "from", 0, "ipBlock", "cidr"), "0.0.0.0/0"),
    ],
    "drains-leave-replicas": [
        drop(e.BUDGET),
        put(e.BUDGET, ("metadata", "namespace"), "elsewhere"),
        put(e.WORKLOAD, ("spec", "replicas"), 3),
    ],
    "budgets-let-nodes-go": [
        put(e.BUDGET, ("spec", "maxUnavailable"), 0),
        put(e.BUDGET, ("spec", "minAvailable"), "100%"),
    ],
    "containers-run-as-a-user": [
        put(e.RUNTIME, (*SECURITY, "runAsNonRoot"), GONE),
        put(e.RUNTIME, (*SECURITY, "runAsUser"), 0),
        put(e.SERVED, (*PREDICTOR, "securityContext", "runAsUser"), 0),
        put(e.WORKLOAD, (*POD, "initContainers", 0, "securityContext", "runAsNonRoot"), False),
    ],
    "containers-gain-no-privilege": [
        put(e.RUNTIME, (*SECURITY, "allowPrivilegeEscalation"), GONE),
        put(e.WORKLOAD, (*POD, "containers", 0, "securityContext", "privileged"), True),
        put(e.SERVED, (*PREDICTOR, "model", "securityContext"), {"privileged": True}),
    ],
    "containers-drop-all-capabilities": [
        put(e.RUNTIME, (*SECURITY, "capabilities", "drop"), ["NET_RAW"]),
        put(e.RUNTIME, (*SECURITY, "capabilities", "add"), ["NET_ADMIN"]),
        put(e.RUNTIME, (*SECURITY, "capabilities"), GONE),
    ],
    "system-calls-are-filtered": [
        put(e.RUNTIME, (*SECURITY, "seccompProfile"), GONE),
        put(e.SERVED, (*PREDICTOR, "securityContext", "seccompProfile"), {"type": "Unconfined"}),
    ],
    "root-file-systems-are-read-only": [put(e.RUNTIME, (*SECURITY, "readOnlyRootFilesystem"), GONE)],
    "memory-volumes-are-bounded": [put(e.RUNTIME, ("spec", "volumes", 0, "emptyDir", "sizeLimit"), GONE)],
    "pods-stay-out-of-the-host": [
        put(e.WORKLOAD, (*POD, "hostNetwork"), True),
        put(e.SERVED, (*PREDICTOR, "hostIPC"), True),
    ],
    "pods-mount-nothing-of-the-host": [
        put(e.WORKLOAD, (*POD, "volumes"), [{"name": "host", "hostPath": {"path": "/"}}]),
        put(e.WORKLOAD, (*POD, "containers", 0, "ports", 0, "hostPort"), 80),
        put(e.RUNTIME, ("spec", "volumes", 1), {"name": "host", "hostPath": {"path": "/"}}),
    ],
    "containers-state-their-resources": [
        put(e.SERVED, (*PREDICTOR, "model", "resources"), GONE),
        put(e.WORKLOAD, (*POD, "containers", 0, "resources", "limits", "memory"), GONE),
    ],
    "containers-are-probed": [put(e.RUNTIME, (*TRITON, "startupProbe"), GONE)],
    "pods-have-an-account-of-their-own": [
        put(e.SERVED, (*PREDICTOR, "serviceAccountName"), GONE),
        put(e.WORKLOAD, (*POD, "serviceAccountName"), "default"),
    ],
    "pods-carry-no-api-token": [put(e.SERVED, (*PREDICTOR, "automountServiceAccountToken"), GONE)],
    "nothing-lives-in-default": [
        put(e.CONFIG, ("metadata", "namespace"), "default"),
        put(e.CONFIG, ("metadata", "namespace"), GONE),
        put(e.KSERVE, ("namespace",), GONE),
    ],
    "services-are-found-by-name-only": [put(e.SERVED, (*PREDICTOR, "enableServiceLinks"), GONE)],
    "replicas-are-spread": [
        put(e.SERVED, (*PREDICTOR, "topologySpreadConstraints"), GONE),
        put(e.SERVED, (*PREDICTOR, "topologySpreadConstraints", 0, "topologyKey"), "kubernetes.io/hostname"),
    ],
    "secrets-are-no-plain-variables": [
        put(e.RUNTIME, (*TRITON, "env", 1), {"name": "DB_PASSWORD", "value": "hunter2"}),
    ],
    "nobody-is-bound-to-cluster-admin": [put(e.BINDING, ("roleRef", "name"), "cluster-admin")],
    "roles-have-no-wildcards": [role_with(verbs=["*"]), role_with(apiGroups=["*"])],
    "roles-cannot-be-raised": [role_with(verbs=["escalate"]), role_with(verbs=["impersonate"], resources=["users"])],
    "secrets-are-read-by-name": [role_with(resources=["secrets"], verbs=["list"])],
    "nobody-enters-pods-or-nodes": [
        role_with(resources=["pods/exec"], verbs=["create"]),
        role_with(resources=["nodes/proxy"]),
    ],
    "webhooks-are-changed-by-name": [role_with(resources=["mutatingwebhookconfigurations"], verbs=["patch"])],
    "webhooks-are-bounded": [
        put(e.WEBHOOK, ("webhooks", 0, "timeoutSeconds"), 30),
        put(e.WEBHOOK, ("webhooks", 0, "namespaceSelector"), GONE),
    ],
    "peers-speak-mutual-tls": [
        put(e.PEER, ("spec", "mtls", "mode"), "PERMISSIVE"),
        put(e.PEER, ("spec", "portLevelMtls", "8080"), {"mode": "DISABLE"}),
    ],
    "the-whole-mesh-is-strict": [
        drop(e.PEER),
        put(e.PEER, ("spec", "selector"), {"matchLabels": {"app": "x"}}),
        put(e.PEER, ("metadata", "namespace"), "models"),
    ],
    "pods-need-no-network-rights": [put(e.ISTIOD, ("values", "cni"), GONE), drop(e.CNI)],
    "paths-are-normalised": [put(e.ISTIOD, ("values", "meshConfig", "pathNormalization"), GONE)],
    "istiod-listens-to-nobody-unknown": [add(XDS_FOR_ALL), drop(e.deny("istio-system"))],
    "pods-call-registered-hosts-only": [
        put(e.ISTIOD, ("values", "meshConfig", "outboundTrafficPolicy", "mode"), "ALLOW_ANY")
    ],
    "origins-of-tls-check-certificates": [
        put(e.DESTINATION, ("spec", "trafficPolicy", "tls", "caCertificates"), GONE),
        put(e.DESTINATION, ("spec", "trafficPolicy", "tls", "insecureSkipVerify"), True),
        put(e.DESTINATION, ("spec", "subsets", 0, "trafficPolicy", "tls", "mode"), "SIMPLE"),
    ],
    "nobody-turns-mutual-tls-off": [put(e.DESTINATION, ("spec", "trafficPolicy", "tls", "mode"), "DISABLE")],
    "refused-configuration-raises-an-alert": [drop(e.ALERT)],
    "allowing-is-said-positively": [
        put(e.CALLERS, ("spec", "rules", 0, "to", 0, "operation"), {"notPaths": ["/admin"]}),
        put(e.CALLERS, ("spec", "rules", 0, "when", 0), {"key": "request.auth.claims[roles]", "notValues": ["guest"]}),
    ],
    "the-mesh-allows-nothing-by-default": [
        drop(e.NOTHING),
        put(e.NOTHING, ("metadata", "namespace"), "elsewhere"),
    ],
    "tokens-are-required": [
        drop(e.CALLERS, e.REFUSALS),
        add(
            k8s(
                "security.istio.io/v1",
                "RequestAuthentication",
                "more",
                "models",
                spec={**e.REQUEST.inputs["spec"], "selector": {"matchLabels": {"app": "other"}}},
            )
        ),
    ],
    "nothing-is-allowed-without-a-token": [add(OPEN_POLICY)],
    "tokens-are-for-us": [
        put(e.REQUEST, ("spec", "jwtRules", 0, "audiences"), GONE),
        put(e.REQUEST, ("spec", "jwtRules", 0, "audiences"), []),
        put(e.REQUEST, ("spec", "jwtRules", 0, "issuer"), GONE),
        put(e.REQUEST, ("spec", "jwtRules", 0, "jwksUri"), "http://issuer/keys.json"),
    ],
    "tokens-come-in-headers": [put(e.REQUEST, ("spec", "jwtRules", 0, "fromParams"), ["token"])],
    "models-answer-known-peers-only": [
        drop(e.PEERS),
        put(e.PEERS, ("spec", "rules", 0, "from"), GONE),
        put(e.PEERS, ("spec", "selector", "matchLabels"), {"stillhouse.dev/endpoint": "other"}),
        put(e.PEERS, ("metadata", "namespace"), "elsewhere"),
    ],
    "gateways-name-their-hosts": [
        put(e.GATEWAY, ("spec", "servers", 0, "hosts"), ["*"]),
        put(e.GATEWAY, ("spec", "servers", 0, "hosts"), ["models/*"]),
        put(e.API_GATEWAY, ("spec", "listeners", 0, "hostname"), GONE),
    ],
    "routes-name-their-hosts": [put(e.ROUTE, ("spec", "hosts"), ["*"])],
    "gateways-speak-tls": [
        put(e.GATEWAY, ("spec", "servers", 1, "tls"), GONE),
        put(e.GATEWAY, ("spec", "servers", 0, "tls", "mode"), "PASSTHROUGH"),
        put(e.API_GATEWAY, ("spec", "listeners", 0, "protocol"), "HTTP"),
    ],
    "gateways-refuse-old-tls": [
        put(e.GATEWAY, ("spec", "servers", 0, "tls", "minProtocolVersion"), GONE),
        put(e.GATEWAY, ("spec", "servers", 0, "tls", "minProtocolVersion"), "TLSV1_1"),
    ],
    "routes-time-out": [
        put(e.ROUTE, ("spec", "http", 0, "timeout"), GONE),
        put(e.ROUTE, ("spec", "http", 0, "timeout"), "0s"),
    ],
    "routes-show-inference-only": [
        put(e.ROUTE, ("spec", "http", 0, "match"), GONE),
        put(e.ROUTE, ("spec", "http", 0, "match", 0, "uri"), {"prefix": "/v2"}),
        put(e.ROUTE, ("spec", "http", 0, "match", 0, "uri"), {"regex": "/v2/models/[^/]+/.*"}),
        put(e.ROUTE, ("spec", "http", 0, "match", 0, "uri"), {"exact": "/v2/repository/index"}),
    ],
    "metrics-stay-inside": [put(e.ROUTE, ("spec", "http", 0, "route", 0, "destination", "port", "number"), 8002)],
    "load-balancers-are-internal": [
        put(e.BALANCER, ("metadata", "annotations"), GONE),
        put(e.BALANCER, ("metadata", "annotations", e.SCHEME), "internet-facing"),
    ],
    "gateway-charts-are-internal": [put(e.GATEWAY_CHART, ("values", "service", "annotations"), GONE)],
    "bodies-are-bounded-at-the-edge": [
        drop(e.FILTER),
        put(e.FILTER, OWN_FILTER, 2**30),
    ],
    "callers-are-limited-at-the-edge": [put(e.FILTER, ("spec", "configPatches", 1), GONE)],
    "triton-is-recent": [
        put(e.RUNTIME, (*TRITON, "image"), f"nvcr.io/nvidia/tritonserver:23.05-py3@{e.DIGEST}"),
    ],
    "no-runtime-of-kserve": [
        put(e.SERVED, (*PREDICTOR, "model", "runtime"), GONE),
        put(e.SERVED, (*PREDICTOR, "model", "runtime"), "kserve-tritonserver"),
    ],
    "triton-loads-what-it-was-given": [
        without_option("--model-control-mode"),
        with_option("--model-control-mode", "--model-control-mode=poll"),
        without_option("--disable-auto-complete-config"),
        with_option("--exit-on-error", "--exit-on-error=false"),
    ],
    "triton-is-ready-when-its-models-are": [with_option("--strict-readiness", "--strict-readiness=false")],
    "triton-speaks-one-dialect": [without_option("--allow-sagemaker"), without_option("--allow-vertex-ai")],
    "triton-traces-nothing": [with_option("--trace-config", "--trace-config=triton,file=/tmp/trace.json")],
    "triton-hides-its-administration": [
        without_option("--http-restricted-api"),
        with_option("--grpc-restricted-protocol", "--grpc-restricted-protocol=trace,logging:admin-key=x"),
        with_option("--allow-client-shm", "--allow-client-shm=true"),
    ],
    "triton-bounds-its-answers": [
        without_option("--grpc-max-response-pool-size"),
        with_option("--grpc-max-response-pool-size", "--grpc-max-response-pool-size=0"),
    ],
    "triton-drains-before-it-ends": [
        put(e.RUNTIME, (*TRITON, "lifecycle"), GONE),
        put(e.WORKLOAD, (*POD, "terminationGracePeriodSeconds"), 5),
    ],
    "triton-shows-its-metrics": [with_option("--allow-metrics", "--allow-metrics=false")],
    "models-are-plain-deployments": [
        put(e.SERVED, ("metadata", "annotations", "serving.kserve.io/deploymentMode"), GONE)
    ],
    "weights-are-on-the-route": [
        put(e.SERVED, (*PREDICTOR, "canaryTrafficPercent"), 10),
        put(e.SERVED, ("spec", "canary"), [{"trafficPercent": 10}]),
    ],
    "model-addresses-end-in-a-slash": [put(e.SERVED, (*PREDICTOR, "model", "storageUri"), "s3://artifacts/models/v1")],
    "models-are-named-by-digest": [
        put(e.SERVED, ("metadata", "annotations", "stillhouse.dev/digest"), GONE),
        put(e.SERVED, ("metadata", "annotations", "stillhouse.dev/digest"), "v1"),
    ],
    "scaling-to-zero-is-possible": [
        after(
            put(e.SERVED, (*PREDICTOR, "minReplicas"), 0),
            put(e.SERVED, ("metadata", "annotations", "serving.kserve.io/autoscalerClass"), "none"),
        )
    ],
    "batching-is-tritons": [put(e.SERVED, (*PREDICTOR, "batcher"), {"maxBatchSize": 8})],
    "metrics-are-tritons": [
        put(e.SERVED, ("metadata", "annotations", "serving.kserve.io/enable-prometheus-scraping"), "true")
    ],
    "kserve-makes-no-routes": [
        put(e.KSERVE, ("values", "kserve", "controller", "deploymentMode"), GONE),
        put(e.KSERVE, ("values", "kserve", "controller", "gateway"), GONE),
    ],
    "images-are-named-by-digest": [
        put(e.RUNTIME, (*TRITON, "image"), "nvcr.io/nvidia/tritonserver:26.07-py3"),
        put(e.WORKLOAD, (*POD, "initContainers", 0, "image"), "busybox:latest"),
    ],
    "charts-are-pinned": [
        put(e.CNI, ("version",), GONE),
        put(e.CNI, ("version",), "^1.30.0"),
        put(e.CNI, ("version",), "1.30"),
    ],
    "charts-come-by-tls": [put(e.CNI, ("repositoryOpts", "repo"), "http://charts.example.com")],
    "addons-are-pinned": [put(e.ADDON, ("addonVersion",), GONE)],
    "machine-images-are-pinned": [
        put(e.NODE_CLASS, ("spec", "amiSelectorTerms", 0, "alias"), "al2023@latest"),
        put(e.NODE_CLASS, ("spec", "amiSelectorTerms"), GONE),
    ],
}

ALLOWED: dict[str, list[Change]] = {
    "gpu-nodes-are-for-models": [
        after(
            put(e.POOL, ("spec", "template", "spec", "taints"), GONE),
            put(e.POOL, ("spec", "template", "spec", "requirements", 0, "values"), ["m5.2xlarge"]),
        )
    ],
    "administration-is-for-named-roles": [
        put(e.ASSOCIATION, ("policyArn",), "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy")
    ],
    "volumes-are-encrypted": [
        after(
            put(e.STORAGE_CLASS, ("provisioner",), "example.com/nfs"),
            put(e.STORAGE_CLASS, ("parameters",), GONE),
        )
    ],
    "queues-are-encrypted": [
        after(put(e.QUEUE, ("sqsManagedSseEnabled",), GONE), put(e.QUEUE, ("kmsMasterKeyId",), "alias/queue"))
    ],
    "cluster-endpoint-is-not-open": [put(e.CLUSTER, ("endpointPublicAccess",), False), put(e.CLUSTER, (), {})],
    "nothing-is-open-to-the-world": [
        add(
            resource(
                "aws:ec2/securityGroupRule:SecurityGroupRule", "out", {"type": "egress", "cidrBlocks": ["0.0.0.0/0"]}
            )
        )
    ],
    "no-role-trusts-everybody": [
        put(
            e.SERVING_ROLE,
            ("assumeRolePolicy",),
            document({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}),
        )
    ],
    "models-have-one-writer": [
        policy(allow(["s3:PutObject"], ["arn:aws:s3:::artifacts/embeddings/*"])),
        add(writer("arn:aws:s3:::state/.pulumi/*", "operator"), writer("arn:aws:s3:::state/.pulumi/*", "workflow")),
    ],
    "what-is-kept-is-kept-whole": [
        after(
            put(e.CLUSTER, ("deletionProtection",), False),
            put(e.RAW_CLUSTER, ("deletionProtection",), False),
            bare(e.KEY),
        ),
        after(drop(e.ENCRYPTION), bare(e.KEY)),
    ],
    "buckets-block-public-access": [
        after(bare(e.PUBLIC_BLOCK), put(e.PUBLIC_BLOCK, ("bucket",), "artifacts")),
    ],
    "versions-are-not-deleted": [put(e.BUCKET, ("objectLockEnabled",), True)],
    "drains-leave-replicas": [put(e.SERVED, (*PREDICTOR, "minReplicas"), 1)],
    "replicas-are-spread": [put(e.SERVED, (*PREDICTOR, "maxReplicas"), 1)],
    "scaling-to-zero-is-possible": [put(e.SERVED, (*PREDICTOR, "minReplicas"), 0)],
    "pods-need-no-network-rights": [put(e.ISTIOD, ("values", "pilot"), {"cni": {"enabled": True}})],
    "charts-come-by-tls": [
        put(e.CNI, ("chart",), "oci://registry.example.com/charts/cni"),
    ],
    "routes-show-inference-only": [
        put(e.ROUTE, ("spec", "http", 0, "match", 0, "uri"), {"regex": "/v2/models/[^/]+/infer"}),
        put(e.ROUTE, ("spec", "http", 0, "match", 0, "uri"), {"exact": "/v2/models/clicks"}),
    ],
    "machine-images-are-pinned": [put(e.NODE_CLASS, ("spec", "amiSelectorTerms", 0), {"id": "ami-0123456789abcdef0"})],
    "triton-bounds-its-answers": [
        put(e.RUNTIME, ARGS, [w for w in e.TRITON_ARGS if "pool-size" not in w] + ["--allow-grpc", "false"])
    ],
    "tokens-are-required": [drop(e.CALLERS), drop(e.REFUSALS)],
    "triton-is-recent": [put(e.RUNTIME, (*TRITON, "image"), f"registry.example.com/triton:7@{e.DIGEST}")],
    "guardduty-watches-the-cluster": [put(e.GUARDDUTY, ("name",), UNKNOWN)],
}
"""Changes after which the rule has still nothing to say."""
