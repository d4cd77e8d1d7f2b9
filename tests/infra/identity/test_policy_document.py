import json

import pulumi
import pytest

from infra.identity.policy_document import (
    EVERYONE,
    Condition,
    Effect,
    PolicyDocument,
    PrincipalKind,
    Principals,
    Statement,
)
from infra.policies.judged import UNKNOWN
from tests.infra.aws import run

READ = Statement(sid="Read", actions=("s3:GetObject",), resources=("arn:aws:s3:::b/*",))
TLS = Condition(operator="Bool", key="aws:SecureTransport", values=("false",))


def test_a_document_reads_as_iam_writes_it() -> None:
    deny = Statement(
        sid="OnlyTls", effect=Effect.DENY, actions=("s3:*",), resources=("*",), principals=EVERYONE, conditions=(TLS,)
    )
    assert PolicyDocument(statements=(READ, deny)).body() == {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::b/*"]},
            {
                "Sid": "OnlyTls",
                "Effect": "Deny",
                "Action": ["s3:*"],
                "Principal": "*",
                "Resource": ["*"],
                "Condition": {"Bool": {"aws:SecureTransport": ["false"]}},
            },
        ],
    }


def test_what_only_limits_may_name_a_whole_service_under_a_condition() -> None:
    ours = Condition(operator="StringEquals", key="aws:PrincipalAccount", values=("123456789012",))
    limit = Statement(
        sid="Ours", actions=("s3:*",), resources=("*",), principals=EVERYONE, conditions=(ours,), limits=True
    )
    assert limit.body()["Action"] == ["s3:*"]
    for actions in (("*",), ("s3:Get*",), ("*:*",)):
        with pytest.raises(ValueError, match="allowed is a full"):
            Statement(sid="Ours", actions=actions, conditions=(ours,), limits=True)
    with pytest.raises(ValueError, match="one or more where a statement limits"):
        Statement(sid="Ours", actions=("s3:*",), limits=True)


def test_parts_that_are_not_known_yet_come_later() -> None:
    def program() -> None:
        objects = pulumi.Output.from_input("arn:aws:s3:::b/*")
        late = Statement(sid="Read", actions=("s3:GetObject",), resources=(objects,))
        pulumi.export("policy", PolicyDocument(statements=(late,)).json())

    text = run(program).outputs["policy"]
    assert isinstance(text, str)
    assert json.loads(text) == PolicyDocument(statements=(READ,)).body()


def test_an_unknown_part_makes_the_whole_text_unknown() -> None:
    from pulumi_aws import s3

    def program() -> None:
        bucket = s3.Bucket("b")
        read = Statement(sid="Read", actions=("s3:GetObject",), resources=(bucket.arn,))
        pulumi.export("policy", PolicyDocument(statements=(read,)).json())

    assert run(program, preview=True).outputs["policy"] is UNKNOWN


@pytest.mark.parametrize("action", ["*", "s3:*", "s3:Get*", "s3:GetObjec?", "GetObject"])
def test_an_allowed_action_is_named_in_full(action: str) -> None:
    with pytest.raises(ValueError, match=r"Read: action .*allowed is a full `service:Action`"):
        Statement(sid="Read", actions=(action,))


def test_everyone_is_allowed_only_under_a_condition() -> None:
    with pytest.raises(ValueError, match="'\\*' with a condition"):
        Statement(sid="Open", actions=("s3:GetObject",), principals=EVERYONE)
    star = Principals(kind=PrincipalKind.AWS, names=("*",))
    with pytest.raises(ValueError, match="'\\*' with a condition"):
        Statement(sid="Open", actions=("s3:GetObject",), principals=star)
    assert Statement(sid="Narrow", actions=("s3:GetObject",), principals=EVERYONE, conditions=(TLS,)).conditions


def test_a_condition_that_repeats_is_refused_and_not_merged() -> None:
    statement = Statement(sid="Read", actions=("s3:GetObject",), conditions=(TLS, TLS))
    with pytest.raises(ValueError, match="aws:SecureTransport twice"):
        statement.body()


def test_what_is_empty_is_refused() -> None:
    with pytest.raises(ValueError, match="needs an action"):
        Statement(sid="Read", actions=())
    with pytest.raises(ValueError, match="allowed is one or more"):
        PolicyDocument(statements=())
    with pytest.raises(ValueError, match="needs a value"):
        Condition(operator="Bool", key="k", values=())
    with pytest.raises(ValueError, match="principals"):
        Principals(kind=PrincipalKind.AWS, names=())


def test_ids_are_letters_and_digits_and_stand_once() -> None:
    with pytest.raises(ValueError, match="letters and digits"):
        Statement(sid="read models", actions=("s3:GetObject",))
    with pytest.raises(ValueError, match="Read more than once"):
        PolicyDocument(statements=(READ, READ))
