"""The settings that are secrets: each has its own encrypted key in the stack file, and is an Output in the program."""

import pulumi

from model.errors import UserError
from stacks.settings.settings import Settings
from stacks.settings.stack_config import PROJECT

SECRETS = {
    "alert_receiver_secret": "Address (slack, webhook) or routing key (pagerduty) of `observability.alert_receiver`.",
    "conductor_token": "Token that reads and pushes the branch of the releases, where `gitops.conductors` is above 0.",
    "git_token": "Token that reads `gitops.repository`, where `gitops.private_repository` is true.",
}
"""Name -> what it holds."""


def needed_secrets(settings: Settings) -> tuple[str, ...]:
    """Names of the secrets that these settings ask for."""
    needed: list[str] = []
    if settings.observability.alert_receiver != "none":
        needed.append("alert_receiver_secret")
    if settings.gitops.has_operator and settings.gitops.private_repository:
        needed.append("git_token")
    if settings.gitops.conductors:
        needed.append("conductor_token")
    return tuple(needed)


def read_secret(name: str) -> pulumi.Output[str]:
    """A secret of the running program's stack; it stays secret.

    Raises:
        UserError: the stack file has none of that name.
    """
    assert name in SECRETS, name
    value = pulumi.Config(PROJECT).get_secret(name)
    if value is None:
        raise UserError(
            f"the secret {PROJECT}:{name} is missing (got nothing); it holds: {SECRETS[name]}",
            hint=f"`pulumi config set --secret {PROJECT}:{name}` asks for it",
        )
    return value
