"""The file and the running program give the same configuration."""

from pathlib import Path

import pulumi
import pytest

from model.errors import UserError
from stacks.capture.run import capture
from stacks.settings.read import read_settings
from stacks.settings.secret_settings import read_secret
from stacks.settings.stack_config import STACKS_FOLDER, StackConfig, config_of_file, config_of_program, refused_in


def _written(folder: Path, text: str) -> Path:
    path = folder / "Pulumi.x.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_a_program_reads_what_its_file_says(stack: str) -> None:
    of_file = config_of_file(STACKS_FOLDER / f"Pulumi.{stack}.yaml")
    seen: list[StackConfig] = []
    capture(lambda: seen.append(config_of_program()), stack=stack, config=of_file.as_pulumi())
    assert seen[0].place == of_file.place
    assert seen[0].own() == of_file.own()
    assert read_settings(seen[0]) == read_settings(of_file)


def test_encrypted_values_are_secrets_and_nothing_else() -> None:
    seen: list[StackConfig] = []
    config = {"stillhouse:tier": "low", "stillhouse:git_token": "t"}
    capture(lambda: seen.append(config_of_program()), config=config, secrets=frozenset({"stillhouse:git_token"}))
    assert seen[0].values == {"stillhouse:tier": "low"}
    assert seen[0].secret_keys == {"stillhouse:git_token"}


def test_a_secret_stays_secret() -> None:
    captured = capture(
        lambda: pulumi.export("token", read_secret("git_token")),
        config={"stillhouse:git_token": "t"},
        secrets=frozenset({"stillhouse:git_token"}),
    )
    assert repr(captured.outputs["token"]) == "Secret(***)"


def test_a_secret_that_is_not_there_is_asked_for() -> None:
    with pytest.raises(UserError, match="pulumi config set --secret stillhouse:git_token"):
        capture(lambda: pulumi.export("token", read_secret("git_token")))


def test_only_what_the_user_can_mend_is_renamed() -> None:
    with pytest.raises(UserError, match=r"stacks/x\.yaml`: range"), refused_in("stacks/x.yaml"):
        raise ValueError("range: (got 3)")
    with pytest.raises(UserError, match=r"^mine$"), refused_in("stacks/x.yaml"):
        raise UserError("mine")
    with pytest.raises(LookupError), refused_in("stacks/x.yaml"):
        raise LookupError("ours")


def test_a_file_with_an_encrypted_value(tmp_path: Path) -> None:
    path = _written(tmp_path, "config:\n  stillhouse:git_token: {secure: v1:abc}\n  stillhouse:tier: low\n")
    config = config_of_file(path)
    assert config.secret_keys == {"stillhouse:git_token"}
    assert config.values == {"stillhouse:tier": "low"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("config: [", "is not YAML"),
        ("config:\n  a: 1\n  a: 2\n", "the key `a` stands twice"),
        ("tier: low\n", "has no configuration"),
        ("config:\n  stillhouse:edge: {jwt: {issuer: {secure: v1:abc}}}\n", "edge.jwt.issuer: a secret inside"),
        ("config:\n  stillhouse:edge: [{secure: v1:abc}]\n", "edge.0: a secret inside"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        config_of_file(_written(tmp_path, text))
    assert words in str(caught.value)
    assert "Pulumi.x.yaml" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        config_of_file(tmp_path / "Pulumi.nowhere.yaml")
