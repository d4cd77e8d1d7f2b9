import pytest

from infra.identity.policy_document import PolicyDocument, Statement
from infra.identity.trusted_role import GithubEnvironment, TrustedPrincipals, TrustedRole, TrustedRoleArgs
from tests.infra.aws import is_component_tree, run, statements

POLICY = PolicyDocument(statements=(Statement(sid="Read", actions=("s3:GetObject",), resources=("arn:aws:s3:::b/*",)),))
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"


def test_named_principals_take_the_role() -> None:
    trusted = TrustedPrincipals(arns=("arn:aws:iam::123456789012:role/trainer",))
    captured = run(
        lambda: TrustedRole("publish", TrustedRoleArgs(trusted=trusted, policy=POLICY, description="publishes"))
    )
    is_component_tree(captured, "stillhouse:identity:TrustedRole")
    (statement,) = statements(captured.one("aws:iam/role:Role"), "assumeRolePolicy").values()
    assert statement["Principal"] == {"AWS": ["arn:aws:iam::123456789012:role/trainer"]}
    assert captured.one("aws:iam/role:Role").inputs["maxSessionDuration"] == 3600


def test_one_environment_of_one_repository_takes_the_role() -> None:
    trusted = GithubEnvironment(provider_arn=PROVIDER, repository="acme/models", environment="prod")
    (statement,) = trusted.trust().body()["Statement"]
    issuer = "token.actions.githubusercontent.com"
    assert statement["Condition"]["StringEquals"] == {
        f"{issuer}:sub": ["repo:acme/models:environment:prod"],
        f"{issuer}:aud": ["sts.amazonaws.com"],
    }


@pytest.mark.parametrize(
    "arns", [(), ("*",), ("arn:aws:iam::123456789012:root",), ("arn:aws:iam::123456789012:role/*",)]
)
def test_wide_principals_are_refused(arns: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="allowed are IAM roles or users"):
        TrustedPrincipals(arns=arns)


@pytest.mark.parametrize(("repository", "environment"), [("acme", "prod"), ("acme/*", "prod"), ("acme/models", "*")])
def test_wide_workflows_are_refused(repository: str, environment: str) -> None:
    with pytest.raises(ValueError, match="allowed is"):
        GithubEnvironment(provider_arn=PROVIDER, repository=repository, environment=environment)
