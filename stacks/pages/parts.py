"""What each part of a platform is for, in the reader's words: its name in the program -> title and purpose."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Purpose:
    """A part, told."""

    title: str
    """Short enough for a box."""
    purpose: str


PURPOSES: dict[str, Purpose] = {
    name: Purpose(title=title, purpose=purpose)
    for name, title, purpose in (
        ("network", "network", "VPC over the zones: private subnets for nodes, NAT, endpoints that keep S3 inside."),
        ("artifacts", "artifact bucket", "Models and embeddings: encrypted by a key of its own, versioned, TLS only."),
        ("images", "image registry", "Triton's image by digest: immutable tags, scanned on push."),
        ("snowflake", "Snowflake export", "The role that Snowflake takes on to write models into one prefix."),
        ("cluster", "EKS cluster", "Control plane: private API, encrypted secrets, all logs, entry by IAM only."),
        (
            "node-addons",
            "node add-ons",
            "What a node needs before it is ready: VPC CNI with network policy, kube-proxy.",
        ),
        ("system", "system nodes", "Nodes that are always on: controllers, mesh, gateway, monitoring."),
        ("addons", "cluster add-ons", "DNS, volumes (encrypted gp3 by default), resource metrics."),
        ("load-balancer", "LB controller", "Makes the internal load balancer, and takes it away before the VPC goes."),
        ("external-dns", "external-dns", "Keeps the hostname's record in one Route 53 zone."),
        ("observability", "observability", "Prometheus, Alertmanager, Grafana; metrics of Triton and Envoy."),
        ("publishing", "publishing", "Account of the jobs that write new models; reads none of the rest."),
        ("cert-manager", "cert-manager", "Issues and renews certificates."),
        ("authority", "private CA", "An authority of our own, which signs the gateway's certificate."),
        ("keda", "KEDA", "Scales versions by requests a second, down to zero where asked."),
        (
            "mesh",
            "Istio",
            "Identity and mutual TLS between all pods; nothing may call anything unless a policy says so.",
        ),
        ("gpu-support", "GPU support", "Device plugin and GPU metrics, on GPU nodes only."),
        ("karpenter", "Karpenter", "Makes nodes for pods that wait, takes empty ones away, heeds interruptions."),
        ("pools", "node pools", "Which workers Karpenter may make, and how many: from zero to the tier's limit."),
        ("edge", "edge", "The one address: internal load balancer, TLS, tokens with roles, rate and body limits."),
        ("kserve", "KServe", "Turns an InferenceService into pods and a Service; its own ingress is off."),
        (
            "serving",
            "serving namespace",
            "Where models run: restricted pods, default deny, one role that reads one prefix.",
        ),
        ("triton-cpu", "Triton on CPU", "How Triton runs a model on a CPU node: probes, limits, flags."),
        ("triton-gpu", "Triton on GPU", "The same on a node with one GPU."),
        ("releases-workflow", "CI's role", "What CI takes on, for an hour at a time, to apply the releases stack."),
        ("gitops", "GitOps operator", "Applies merged commits to the releases stack, and mends drift."),
    )
}
"""In the order in which they are built."""
