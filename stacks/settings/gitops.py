"""Section `gitops`: who applies a merged commit to the releases stack."""

from typing import Literal, Self

from pydantic import Field, model_validator

from stacks.settings.part import Arn, Branch, HttpsUrl, ImageByDigest, Part


class GithubSettings(Part):
    """GitHub's workflows as callers of AWS."""

    repository: str = Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")
    """`owner/name` of the repository whose environment `<env>-releases` may take the role."""
    oidc_provider_arn: Arn
    """The account's IAM OIDC provider for `token.actions.githubusercontent.com`, one for all environments."""


class GitOpsSettings(Part):
    """Who applies a merged commit to the releases stack."""

    kind: Literal["operator", "workflow", "both", "none"]
    """`operator`: Pulumi's operator in the cluster; `workflow`: CI; `both`: CI, and the operator for drift."""
    repository: HttpsUrl | None = None
    """Git repository with this project; the operator needs it."""
    branch: Branch = "main"
    """Branch whose commits are applied."""
    private_repository: bool = False
    """Whether the repository needs a token, the secret `git_token`."""
    state_bucket: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    """S3 bucket that is Pulumi's backend, made before the first stack; the operator needs it."""
    state_key_alias: str = Field(default="alias/stillhouse-pulumi", pattern=r"^alias/[A-Za-z0-9/_-]+$")
    """Alias of the KMS key that encrypts the state's secrets, made before the first stack."""
    image: ImageByDigest | None = None
    """Image with Pulumi and this project's packages, by digest; the operator needs it."""
    conductors: int = Field(default=0, ge=0, le=100)
    """Endpoints whose rollouts the cluster has a place to conduct, with the secret `conductor_token`; 0: no place."""
    github: GithubSettings | None = None
    """Makes the role that the releases workflow takes, and its rights; null: the role is made elsewhere."""

    @property
    def has_workflow(self) -> bool:
        """Whether CI applies releases."""
        return self.kind in {"workflow", "both"}

    @property
    def has_operator(self) -> bool:
        """Whether the operator runs in the cluster."""
        return self.kind in {"operator", "both"}

    @model_validator(mode="after")
    def _operator_knows_what_to_apply(self) -> Self:
        missing = [name for name in ("repository", "state_bucket", "image") if getattr(self, name) is None]
        if self.github is not None and self.state_bucket is None:
            raise ValueError("state_bucket is missing (got null); github: the workflow's role needs it")
        if self.has_operator and missing:
            raise ValueError(f"{missing[0]} is missing (got null); kind: {self.kind} needs it")
        return self
