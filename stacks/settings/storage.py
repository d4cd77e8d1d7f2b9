"""Section `storage`: the artifact bucket, the image registry, and Snowflake's way in."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from stacks.settings.part import Part

Prefix = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9_/]*[a-z0-9])?$")]


def _are_distinct(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(prefixes)) != len(prefixes):
        raise ValueError(f"a prefix stands twice (got {', '.join(prefixes)}); allowed: each once")
    return prefixes


class SnowflakeSettings(Part):
    """The S3 side of a Snowflake storage integration."""

    principal_arn: str | None = Field(default=None, pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:user/[^*?]+$")
    """Snowflake's IAM user (`STORAGE_AWS_IAM_USER_ARN` of DESC INTEGRATION); null before the integration exists."""
    external_id: str | None = Field(default=None, pattern=r"^[^*?]{2,}$")
    """`STORAGE_AWS_EXTERNAL_ID` of DESC INTEGRATION; null before the integration exists."""
    prefix: Prefix = "snowflake"
    """Prefix of the bucket that Snowflake may write, without slashes at its ends."""

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        ids = {"principal_arn": self.principal_arn, "external_id": self.external_id}
        missing = [name for name, value in ids.items() if value is None]
        if len(missing) == 1:
            raise ValueError(
                f"{missing[0]} is missing (got null); allowed: both lines of DESC INTEGRATION, or neither before it"
            )
        return self


class StorageSettings(Part):
    """The artifact bucket, the image registry, and Snowflake's way in."""

    bucket_name: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    """Name of the artifact bucket, unique in the world; null: the stack's name and random letters."""
    protect: bool = False
    """Whether Pulumi refuses to delete the bucket, its key and the registry."""
    retain: bool = False
    """Whether the bucket, its key and the registry stay in the account when the stack lets go of them."""
    noncurrent_days: int = Field(default=30, ge=1)
    """Days for which a replaced or deleted object of `snowflake.prefix` and `expiring_prefixes` can be brought back."""
    expiring_prefixes: Annotated[tuple[Prefix, ...], AfterValidator(_are_distinct)] = ()
    """Prefixes of your own, besides Snowflake's, whose old versions go after `noncurrent_days`; never the models'."""
    snowflake: SnowflakeSettings | None = None
    """Export from Snowflake to the bucket; null: none."""

    @property
    def prefixes(self) -> tuple[tuple[str, str], ...]:
        """Key -> prefix of everything that is not the models'."""
        own = (("expiring_prefixes", prefix) for prefix in self.expiring_prefixes)
        return (*own, *((("snowflake.prefix", self.snowflake.prefix),) if self.snowflake else ()))

    @model_validator(mode="after")
    def _snowflakes_prefix_is_not_named_again(self) -> Self:
        if self.snowflake is not None and self.snowflake.prefix in self.expiring_prefixes:
            raise ValueError(
                f"expiring_prefixes: holds snowflake.prefix, which expires anyway (got {self.snowflake.prefix});"
                " allowed: other prefixes"
            )
        return self
