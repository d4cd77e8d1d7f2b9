"""Which repository is applied, with which state and which rights."""

from dataclasses import dataclass

import pulumi

from infra import versions
from infra.pods import PodRequests, Resources, pods
from infra.versions import Chart, image_problem

NAMESPACE = "gitops"
SERVICE_ACCOUNT = "releases"
"""What the state role's trust policy names, with the namespace."""
_OPERATOR = Resources(cpu_millicores=50, memory_mib=128, memory_limit_mib=512)
_WORKSPACE = Resources(cpu_millicores=200, memory_mib=512, memory_limit_mib=2048)


@dataclass(frozen=True, kw_only=True, slots=True)
class GitOpsArgs:
    """One releases stack."""

    stack: str
    """Pulumi's name of it, e.g. `prod-releases`."""
    repository: str
    """`https://` address of the git repository."""
    branch: str
    state_bucket: str
    """S3 bucket that is Pulumi's backend."""
    state_key_alias: str
    """KMS alias that encrypts the state's secrets, `alias/...`."""
    region: str
    role_arn: pulumi.Input[str]
    """IRSA role that reads and writes the state; its trust names `NAMESPACE` and `SERVICE_ACCOUNT`."""
    serving_namespace: pulumi.Input[str]
    """The namespace whose endpoints releases may change."""
    conductor_namespace: pulumi.Input[str] | None = None
    """The namespace whose conductors they may change; None: there are none."""
    image: str
    """Pulumi's image by digest; the operator's own default is `latest`."""
    git_token: pulumi.Input[str] | None = None
    """Secret that reads a private repository; None: it is public."""
    drift_s: int = 600
    """How often the cluster is compared with the last commit and put right; also how often git is asked."""
    operator: Resources = _OPERATOR
    workspace: Resources = _WORKSPACE
    chart: Chart = versions.PULUMI_OPERATOR

    def __post_init__(self) -> None:
        if problem := image_problem(self.image):
            raise ValueError(f"image: (got {self.image}); {problem}")
        if self.drift_s < 60:
            raise ValueError(
                f"drift_s: (got {self.drift_s}); allowed are 60 s or more, which the operator rounds up to"
            )
        if not self.state_key_alias.startswith("alias/"):
            raise ValueError(f"state_key_alias: (got {self.state_key_alias}); allowed is alias/<name>")

    def requests(self) -> tuple[PodRequests, ...]:
        """What the operator and the stack's workspace ask of the system nodes."""
        return (
            pods("pulumi-kubernetes-operator-controller-manager", self.operator),
            pods(f"{self.stack}-workspace", self.workspace),
        )
