"""A small valid configuration, and how to change one key of it."""

from dataclasses import replace

from stacks.settings.stack_config import StackConfig

EDGE: dict[str, object] = {
    "hostname": "predict.example.com",
    "jwt": {
        "issuer": "https://login.example.com/",
        "jwks_uri": "https://login.example.com/keys",
        "audiences": ["stillhouse"],
    },
}
CLUSTER: dict[str, object] = {"private_access_cidrs": ["10.0.0.0/16"]}
SMALL = StackConfig(
    place="stacks/Pulumi.sample.yaml",
    values={
        "aws:region": "us-west-2",
        "stillhouse:tier": "low",
        "stillhouse:cluster": CLUSTER,
        "stillhouse:edge": EDGE,
    },
    secret_keys=frozenset(),
)


def with_own(name: str, value: object) -> StackConfig:
    """The small configuration with another value at `stillhouse:<name>`."""
    return replace(SMALL, values={**SMALL.values, f"stillhouse:{name}": value})


def without(key: str) -> StackConfig:
    """The small configuration without a key."""
    return replace(SMALL, values={name: value for name, value in SMALL.values.items() if name != key})
