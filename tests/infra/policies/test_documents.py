"""IAM documents in the several spellings that AWS takes."""

from infra.policies.documents import condition_values, only_reads, statements
from infra.policies.judged import UNKNOWN


def test_single_values_and_lists_are_the_same() -> None:
    one = statements('{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "x", "Principal": "*"}}')
    many = statements(
        '{"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"],'
        ' "Resource": ["x"], "Principal": {"AWS": ["*"]}}]}'
    )
    assert one == many
    assert one is not UNKNOWN
    assert one[0].allows
    assert one[0].principals == {"AWS": ("*",)}


def test_no_document_has_no_statements_and_an_unknown_one_is_unknown() -> None:
    assert statements(None) == ()
    assert statements("not json") == ()
    assert statements(UNKNOWN) is UNKNOWN
    assert statements({"Statement": [{"Effect": "Allow", "Resource": UNKNOWN}]}) is UNKNOWN


def test_conditions_are_found_whatever_the_case_of_their_key() -> None:
    found = statements('{"Statement": {"Effect": "Deny", "Condition": {"Bool": {"aws:securetransport": "false"}}}}')
    assert found is not UNKNOWN
    assert condition_values(found[0], "aws:SecureTransport") == (("Bool", "false"),)


def test_reading_is_told_from_writing() -> None:
    assert only_reads("s3:GetObject")
    assert only_reads("ec2:Describe*")
    assert not only_reads("s3:PutObject")
    assert not only_reads("*")
