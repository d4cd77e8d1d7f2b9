"""Rules about IAM: who may take a role, and what it may do then."""

from collections.abc import Sequence
from typing import Final

from infra.policies.documents import Statement, condition_values, only_reads, statements
from infra.policies.judged import UNKNOWN, Judged, at, items
from infra.policies.rule import (
    Complaints,
    StackComplaints,
    expect,
    holds,
    of_kind,
    resource_rule,
    shown,
    stack_rule,
)

ROLE: Final = "aws:iam/role:Role"
POLICIES: Final = ("aws:iam/policy:Policy", "aws:iam/rolePolicy:RolePolicy")
ATTACHMENT: Final = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
PERMANENT: Final = ("aws:iam/user:User", "aws:iam/accessKey:AccessKey")
TOO_WIDE: Final = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess", "AmazonS3FullAccess")
WITHOUT_RESOURCE: Final = frozenset({"ecr:GetAuthorizationToken", "sts:GetCallerIdentity"})
"""Actions that IAM lets nobody narrow to a resource, beside those that only read."""
STATE: Final = "/.pulumi/"
"""Where Pulumi keeps its state in a bucket; an operator and a workflow may both apply one stack."""
WRITES: Final = ("s3:Put", "s3:Delete", "s3:Abort", "s3:Restore", "s3:*", "*")


def documents_of(role_or_policy: Judged) -> tuple[Statement, ...] | None:
    """What a policy, or a role by its inline policies, allows and denies; None where it is not known yet."""
    if role_or_policy.type == ROLE:
        texts = [at(inline, "policy") for inline in items(at(role_or_policy.inputs, "inlinePolicies"))]
    else:
        texts = [at(role_or_policy.inputs, "policy")]
    found: list[Statement] = []
    for text in texts:
        part = statements(text)
        if part is UNKNOWN:
            return None
        found += part
    return tuple(found)


@resource_rule(of=(ROLE,), row=6, sources=("EKS guide: identity", "CIS EKS 5.2.1"))
def tokens_are_taken_from_one_account(role: Judged) -> Complaints:
    """A role that is taken with a web token trusts one subject and one audience, spelled out."""
    trust = statements(at(role.inputs, "assumeRolePolicy"))
    if trust is UNKNOWN:
        yield UNKNOWN
        return
    for statement in trust:
        if statement.allows and "Federated" in statement.principals:
            yield from _spelled_out(statement, ":sub")
            yield from _spelled_out(statement, ":aud")


def _spelled_out(statement: Statement, ending: str) -> Complaints:
    keys = {key for by_key in statement.conditions.values() for key in by_key if key.lower().endswith(ending)}
    found = [pair for key in sorted(keys) for pair in condition_values(statement, key)]
    exact = len(found) == 1 and found[0][0] == "StringEquals" and "*" not in found[0][1]
    got = shown([f"{operator} {value}" for operator, value in found]) if found else "no condition"
    yield from expect(exact, f"the trust needs one StringEquals on `<issuer>{ending}` without * (got {got})")


@resource_rule(of=(ROLE,), row=6, sources=("EKS guide: identity", "CKV_AWS_60", "CKV_AWS_61"))
def no_role_trusts_everybody(role: Judged) -> Complaints:
    """No role is for any AWS account to take; one of another account's asks for an external id or names a role."""
    trust = statements(at(role.inputs, "assumeRolePolicy"))
    if trust is UNKNOWN:
        yield UNKNOWN
        return
    for statement in trust:
        for who in statement.principals.get("AWS", ()) if statement.allows else ():
            named = who != "*" and (":root" not in who or bool(condition_values(statement, "sts:ExternalId")))
            yield from expect(named, f"the trust must name a role, or an external id for an account (got {who})")


@resource_rule(of=(*POLICIES, ROLE), row=7, sources=("EKS guide: identity", "CKV_AWS_62", "CKV_AWS_63", "CKV_AWS_355"))
def policies_have_no_wildcards(policy: Judged) -> Complaints:
    """A policy allows named actions on named resources; any resource only to read, or under a condition."""
    document = documents_of(policy)
    if document is None:
        yield UNKNOWN
        return
    for statement in document:
        if statement.allows:
            yield from _narrow(statement)


def _narrow(statement: Statement) -> Complaints:
    if statement.not_actions or statement.not_resources:
        yield "Allow with NotAction or NotResource allows all that is not thought of; list what is needed"
    for action in statement.actions:
        wide = action == "*" or (action.endswith(":*") or action.partition(":")[2] == "*")
        yield from expect(not wide, f"action {action} must be spelled out")
    if "*" in statement.resources and not statement.conditions:
        wide_actions = [a for a in statement.actions if not only_reads(a) and a not in WITHOUT_RESOURCE]
        yield from expect(not wide_actions, f"{shown(wide_actions)} on every resource; name the resources")


@resource_rule(of=(ATTACHMENT, ROLE), row=7, sources=("EKS guide: identity", "CKV_AWS_274"))
def no_role_has_a_sweeping_managed_policy(attachment: Judged) -> Complaints:
    """No role carries one of AWS' sweeping managed policies."""
    for arn in (at(attachment.inputs, "policyArn"), *items(at(attachment.inputs, "managedPolicyArns"))):
        narrow = holds(arn, lambda value: not str(value).endswith(TOO_WIDE))
        yield from expect(narrow, f"{shown(arn)} allows far more than a workload needs")


@resource_rule(of=(*POLICIES, ROLE), row=7, sources=("Triton deployment guide", "CKV_AWS_288"))
def objects_are_reached_by_prefix(policy: Judged) -> Complaints:
    """A policy reaches objects beneath a prefix, never all objects of a bucket."""
    document = documents_of(policy)
    if document is None:
        yield UNKNOWN
        return
    for statement in document:
        if statement.allows and any(action.startswith("s3:") and "Object" in action for action in statement.actions):
            for resource in statement.resources:
                _, _, key = resource.partition(":::")[2].partition("/")
                yield from expect(key not in ("", "*"), f"objects must be named by a prefix (got {resource})")


@stack_rule(of=POLICIES, row=21, sources=("Triton deployment guide: restrict write access",))
def models_have_one_writer(resources: Sequence[Judged]) -> StackComplaints:
    """One role writes beneath a prefix; whoever serves models only reads them. Pulumi's own state is apart."""
    writers: list[tuple[str, Judged]] = []
    for policy in of_kind(resources, *POLICIES, ROLE):
        document = documents_of(policy)
        if document is None:
            yield policy, UNKNOWN
            continue
        written = [prefix for prefix in sorted(_written(document)) if STATE not in prefix]
        for prefix in written:
            for other, first in writers:
                if first is not policy and (prefix.startswith(other) or other.startswith(prefix)):
                    yield (
                        policy,
                        f"{prefix}* is written by {first.name} too; a second writer can replace what was tested",
                    )
        writers += [(prefix, policy) for prefix in written]


def _written(document: Sequence[Statement]) -> set[str]:
    """Prefixes of the objects that the document lets somebody write."""
    return {
        resource.rstrip("*")
        for statement in document
        if statement.allows and any(action.startswith(WRITES) for action in statement.actions)
        for resource in statement.resources
        if resource.startswith("arn:aws:s3:::") and "/" in resource
    }


@resource_rule(of=POLICIES, row=21, sources=("Triton deployment guide: restrict write access",))
def serving_policies_only_read(policy: Judged) -> Complaints:
    """A policy that is named for serving lets nobody write."""
    if "serving" not in policy.name:
        return
    document = documents_of(policy)
    if document is None:
        yield UNKNOWN
        return
    actions = [a for s in document if s.allows for a in s.actions if not only_reads(a) and a != "kms:Decrypt"]
    yield from expect(not actions, f"a serving policy only reads (got {shown(actions)})")


@resource_rule(of=(ROLE, *PERMANENT), row=6, sources=("CKV_AWS_273", "EKS guide: identity"))
def credentials_are_short_lived(resource: Judged) -> Complaints:
    """There are roles, no users and no access keys: every credential ends by itself."""
    yield from expect(resource.type not in PERMANENT, "a permanent credential; use a role that is taken with a token")


RULES: Final = (
    tokens_are_taken_from_one_account,
    no_role_trusts_everybody,
    policies_have_no_wildcards,
    no_role_has_a_sweeping_managed_policy,
    objects_are_reached_by_prefix,
    models_have_one_writer,
    serving_policies_only_read,
    credentials_are_short_lived,
)
