"""Bodies: the operator's values, the Stack it reconciles, and the rights that releases have."""

from collections.abc import Mapping
from typing import Any

from infra.gitops.args import SERVICE_ACCOUNT, GitOpsArgs

TOKEN_SECRET = "git-token"  # noqa: S105
TOKEN_KEY = "token"  # noqa: S105
_WRITE = ["get", "list", "watch", "create", "update", "patch", "delete"]
_READ = ["get", "list", "watch"]
RELEASE_RULES: Mapping[tuple[str, ...], tuple[list[str], list[str]]] = {
    ("serving.kserve.io",): (["inferenceservices"], _WRITE),
    ("networking.istio.io",): (["virtualservices", "destinationrules"], _WRITE),
    ("security.istio.io",): (["authorizationpolicies"], _WRITE),
    ("keda.sh",): (["scaledobjects"], _WRITE),
    ("autoscaling",): (["horizontalpodautoscalers"], _WRITE),
    ("policy",): (["poddisruptionbudgets"], _WRITE),
    ("monitoring.coreos.com",): (["podmonitors"], _WRITE),
    ("apps",): (["deployments", "replicasets"], _READ),
    ("",): (["pods", "services", "events"], _READ),
}
"""API groups -> kinds and verbs: what an endpoint consists of, and what it takes to see it come up."""


def release_rules() -> list[dict[str, list[str]]]:
    """Rules of the Role in the serving namespace."""
    return [
        {"apiGroups": list(groups), "resources": list(kinds), "verbs": list(verbs)}
        for groups, (kinds, verbs) in RELEASE_RULES.items()
    ]


def conductor_rules() -> list[dict[str, list[str]]]:
    """Rules of the Role in the conductors' namespace."""
    return [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": list(_WRITE)}]


def operator_values(args: GitOpsArgs) -> dict[str, Any]:
    """The chart's values."""
    return {
        "resources": {**args.operator.values(), "limits": {"cpu": "1", "memory": f"{args.operator.limit_mib}Mi"}},
        "podSecurityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def stack_spec(args: GitOpsArgs) -> dict[str, Any]:
    """The body of the Stack: every commit of the branch, and in between whatever somebody changed by hand."""
    spec: dict[str, Any] = {
        "stack": args.stack,
        "projectRepo": args.repository,
        "branch": f"refs/heads/{args.branch}",
        "shallow": True,
        "backend": f"s3://{args.state_bucket}?region={args.region}",
        "secretsProvider": f"awskms:///{args.state_key_alias}?region={args.region}",
        "serviceAccountName": SERVICE_ACCOUNT,
        # A stack that does not exist was not made by its owner: creating it here would start from nothing.
        "useLocalStackOnly": True,
        "refresh": True,
        # Without it a commit that succeeded once is never looked at again, and drift stays.
        "continueResyncOnCommitMatch": True,
        "resyncFrequencySeconds": args.drift_s,
        "retryOnUpdateConflict": True,
        "retryMaxBackoffDurationSeconds": 900,
        # Deleting this object must never delete what serves.
        "destroyOnFinalize": False,
        "workspaceTemplate": {"spec": workspace_spec(args)},
    }
    if args.git_token is not None:
        secret = {"type": "Secret", "secret": {"name": TOKEN_SECRET, "key": TOKEN_KEY}}
        spec["gitAuth"] = {"accessToken": secret}
    return spec


def workspace_spec(args: GitOpsArgs) -> dict[str, Any]:
    """The pod that runs the program."""
    return {
        "image": args.image,
        "imagePullPolicy": "IfNotPresent",
        "securityProfile": "restricted",
        "serviceAccountName": SERVICE_ACCOUNT,
        "resources": args.workspace.values(),
        "env": [
            {"name": "AWS_REGION", "value": args.region},
            {"name": "PULUMI_SKIP_UPDATE_CHECK", "value": "true"},
        ],
    }
