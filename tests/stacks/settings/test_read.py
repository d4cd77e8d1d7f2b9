"""A stack file's values become settings; whatever is wrong is told with file, key, value and what is allowed."""

import json
from dataclasses import replace

import pytest

from model.errors import UserError
from stacks.settings.network import CreateNetwork, ExistingNetwork
from stacks.settings.read import read_settings
from stacks.settings.settings import Settings
from tests.stacks.settings.samples import CLUSTER, EDGE, SMALL, with_own, without

ROLE = "arn:aws:iam::111122223333:role/"
USER = "arn:aws:iam::111122223333:user/snowflake"
WRONG: list[tuple[str, object, str, str]] = [
    ("tier", "hgh", "stillhouse:tier: not allowed (got hgh); allowed are: low, medium, high", "did you mean `high`?"),
    ("teir", "low", "stillhouse:teir: no such setting (got teir)", "did you mean `tier`?"),
    ("region", "us-west-2", "stillhouse:region: no such setting", "the region is `aws:region`"),
    ("network", {"nta": "one"}, "stillhouse:network.nta: no such setting (got nta); allowed are:", "`nat`?"),
    (
        "network",
        {"nat": "three"},
        "stillhouse:network.nat: not allowed (got three); allowed are: one, per_zone",
        "Way out",
    ),
    ("network", {"nat": "two", "kind": "create"}, "allowed are: one, per_zone", ""),
    ("network", {"kind": "exsting"}, "stillhouse:network.kind: not allowed (got exsting)", "did you mean `existing`?"),
    ("network", {"kind": "existing"}, "stillhouse:network.vpc_id is missing (got nothing)", "Id of the VPC"),
    ("network", {"kind": "existing", "nat": "one"}, "network.nat: no such setting (got nat); allowed are: kind", ""),
    ("network", {"cidr": "10.0.1.0/16"}, "stillhouse:network.cidr: 10.0.1.0/16 has host bits set", "IPv4 range"),
    ("network", {"cidr": "10.0.0.0/8"}, "stillhouse:network.cidr: a VPC's range is /16 to /20 (got '10.0.0.0/8')", ""),
    ("network", {"zones": ["a", "a"]}, "stillhouse:network.zones: a zone stands twice", "zones"),
    ("network", {"interface_endpoints": ["s3"]}, "interface_endpoints.0: not allowed (got s3); allowed are: ecr", ""),
    ("network", 3, "stillhouse:network: Input should be an object (got 3)", ""),
    ("nodes", {"gpu": {"capacity": {"kind": "spt"}}}, "nodes.gpu.capacity.kind: not allowed (got spt)", "`spot`?"),
    ("nodes", {"gpu": {"capacity": {}}}, "nodes.gpu.capacity.kind: not allowed (got nothing)", ""),
    ("nodes", {"gpu": {"capacity": {"kind": "reservation"}}}, "nodes.gpu.capacity.id is missing", "Reservation"),
    ("nodes", {"gpu": {"minimum": 9}}, "stillhouse:nodes.gpu: minimum <= expected <= maximum does not hold", ""),
    ("nodes", {"system": {"count": 0}}, "nodes.system.count: Input should be greater than or equal to 1 (got 0)", ""),
    ("nodes", {"system": {"count": None}}, "nodes.system.count: Input should be a valid integer (got None)", ""),
    ("cluster", {}, "stillhouse:cluster: nobody but the nodes reaches the API", ""),
    ("cluster", {"public_access_cidrs": ["0.0.0.0/0"]}, "cluster.public_access_cidrs.0: (got 0.0.0.0/0)", ""),
    ("cluster", {"public_access_cidrs": ["128.0.0.0/1"]}, "allowed are ranges of /8 or narrower", ""),
    ("cluster", {"public_access_cidrs": ["10.1.0.0/16"]}, "(got 10.1.0.0/16, a private range)", ""),
    ("cluster", {"private_access_cidrs": ["0.0.0.0/0"]}, "cluster.private_access_cidrs.0: (got 0.0.0.0/0)", ""),
    ("cluster", {"private_access_cidrs": ["10.1.0.1/16"]}, "has host bits set (got '10.1.0.1/16')", ""),
    ("cluster", {"version": "1.34"}, "cluster.version: Kubernetes version: (got 1.34); allowed: 1.35", "releases.py"),
    ("cluster", {"version": "1.36"}, "for another one, add its row to infra/cluster/releases.py", ""),
    ("cluster", {"version": 1.35}, "cluster.version: Input should be a valid string (got 1.35)", "Kubernetes version"),
    ("cluster", {"admins": {"me": "root"}}, "cluster.admins.me: no IAM principal (got root); allowed: arn:aws:iam", ""),
    ("cluster", {"admins": {"me": "arn:aws:sts::111122223333:assumed-role/me/x"}}, "no IAM principal (got arn:aws", ""),
    ("cluster", {"viewers": {"me": "arn:aws:iam::1111:role/me"}}, "cluster.viewers.me: no IAM principal", ""),
    (
        "cluster",
        {**CLUSTER, "admins": {"me": f"{ROLE}a"}, "viewers": {"me": f"{ROLE}b"}},
        "viewers: names that stand in admins too (got me)",
        "",
    ),
    (
        "cluster",
        {**CLUSTER, "admins": {"me": f"{ROLE}a"}, "viewers": {"you": f"{ROLE}a"}},
        f"principals that stand twice (got {ROLE}a)",
        "",
    ),
    ("nodes", {"system": {"instance_type": "m5.huge"}}, "system.instance_type: not known as a system node", "EC2 type"),
    ("nodes", {"system": {"instance_type": "g6.xlarge"}}, "(got g6.xlarge); allowed: m5.large", ""),
    ("nodes", {"cpu": {"instance_type": "m9.large"}}, "nodes.cpu.instance_type: unknown type (got m9.large)", "EC2"),
    ("nodes", {"cpu": {"instance_type": "g6.xlarge"}}, "nodes.cpu: instance_type: a type with a GPU (got g6.x", ""),
    ("nodes", {"gpu": {"instance_type": "m5.large"}}, "nodes.gpu: instance_type: a type without a GPU (got m5.", ""),
    ("serving", {"namespace": "kube-system"}, "serving.namespace: belongs to another part (got kube-system)", ""),
    ("serving", {"namespace": "monitoring"}, "allowed: any name but cert-manager, conductor", "InferenceServices"),
    ("storage", {"snowflake": {"external_id": "x_1"}}, "storage.snowflake: principal_arn is missing (got null)", ""),
    ("storage", {"snowflake": {"principal_arn": USER}}, "storage.snowflake: external_id is missing (got null)", ""),
    ("storage", {"snowflake": {"principal_arn": f"{ROLE}a"}}, "storage.snowflake.principal_arn: String should", ""),
    ("storage", {"snowflake": {"prefix": "models"}}, "stillhouse:serving.artifact_prefix: overlaps storage.snow", ""),
    ("storage", {"snowflake": {"prefix": "models/raw"}}, "(got models and models/raw); allowed: prefixes of which", ""),
    ("storage", {"expiring_prefixes": ["models/old"]}, "overlaps storage.expiring_prefixes (got models and mo", ""),
    ("storage", {"expiring_prefixes": ["raw", "raw"]}, "storage.expiring_prefixes: a prefix stands twice (got r", ""),
    ("storage", {"snowflake": {}, "expiring_prefixes": ["snowflake"]}, "storage: expiring_prefixes: holds snow", ""),
    ("tags", {"team": "a,b"}, "stillhouse:tags: a tag with , or = or without a name (got 'team': 'a,b')", "AWS tags"),
    ("tags", {"a=b": "c"}, "(got 'a=b': 'c'); allowed: words without them", ""),
    ("tags", {"aws:x": "c"}, "a name that AWS keeps for itself (got aws:x)", ""),
    ("edge", {**EDGE, "jwt": {}}, "stillhouse:edge.jwt.issuer is missing", "`iss`"),
    ("serving", {"triton_image": "nvcr.io/nvidia/tritonserver:latest"}, "triton_image: String should match", "digest"),
    ("gitops", {"kind": "operator"}, "stillhouse:gitops: repository is missing (got null)", ""),
    ("git_token", "abc", "stillhouse:git_token: stands in plain text", "config set --secret"),
]


@pytest.mark.parametrize(("name", "value", "message", "hint"), WRONG)
def test_a_wrong_setting_is_told_with_file_key_value_and_way_out(
    name: str, value: object, message: str, hint: str
) -> None:
    with pytest.raises(UserError) as caught:
        read_settings(with_own(name, value))
    assert message in str(caught.value)
    assert "`stacks/Pulumi.sample.yaml`: stillhouse:" in str(caught.value)
    assert hint in caught.value.hint


def test_a_plain_secret_is_not_repeated() -> None:
    with pytest.raises(UserError) as caught:
        read_settings(with_own("git_token", "abc-very-secret"))
    assert "abc-very-secret" not in str(caught.value)


def test_a_public_or_a_private_range_is_enough() -> None:
    public = read_settings(with_own("cluster", {"public_access_cidrs": ["203.0.113.0/24"]})).cluster
    private = read_settings(with_own("cluster", CLUSTER)).cluster
    assert (public.private_access_cidrs, private.public_access_cidrs) == ((), ())


def test_prefixes_side_by_side_are_fine() -> None:
    storage = {"snowflake": {"prefix": "models-raw", "principal_arn": USER, "external_id": "x_1"}}
    assert read_settings(with_own("storage", storage)).storage.snowflake is not None


@pytest.mark.parametrize("key", ["stillhouse:tier", "stillhouse:edge", "aws:region"])
def test_a_missing_key_is_named(key: str) -> None:
    with pytest.raises(UserError, match=key.rpartition(":")[2]):
        read_settings(without(key))


@pytest.mark.parametrize(
    ("key", "words"),
    [("edge", "is no secret"), ("git_tokn", "did you mean `git_token`?"), ("zzz", "allowed are: alert_receiver")],
)
def test_an_encrypted_key_that_is_no_secret_setting_is_refused(key: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        read_settings(replace(SMALL, secret_keys=frozenset({f"stillhouse:{key}"})))
    assert words in str(caught.value)


def test_other_namespaces_are_left_to_their_owners() -> None:
    config = replace(SMALL, values={**SMALL.values, "kubernetes:foo": "1"}, secret_keys=frozenset({"aws:token"}))
    assert read_settings(config) == read_settings(SMALL)


def test_a_setting_in_the_file_overrides_the_tier() -> None:
    network = read_settings(with_own("network", {"nat": "per_zone"})).network
    assert isinstance(network, CreateNetwork)
    assert (network.nat, network.interface_endpoints) == ("per_zone", ())


def test_an_existing_network_takes_nothing_of_the_tier() -> None:
    subnets = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    given = {"kind": "existing", "vpc_id": "vpc-0123456789abcdef0", "private_subnet_ids": subnets}
    settings = read_settings(with_own("network", given))
    assert isinstance(settings.network, ExistingNetwork)
    assert settings.zones == ()


def test_zones_are_named_by_region_and_letter() -> None:
    assert read_settings(SMALL).zones == ("us-west-2a", "us-west-2b", "us-west-2c")


def test_settings_survive_json() -> None:
    settings = read_settings(SMALL)
    assert Settings.model_validate_json(json.dumps(settings.model_dump(mode="json"))) == settings
