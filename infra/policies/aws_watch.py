"""Rules about what watches and what carries messages: logs, flow logs, queues, the default security group."""

from collections.abc import Sequence
from typing import Final

from infra.policies.judged import Judged, at, either, items
from infra.policies.rule import (
    Complaints,
    Level,
    StackComplaints,
    expect,
    holds,
    of_kind,
    resource_rule,
    shown,
    stack_rule,
)

VPC: Final = "aws:ec2/vpc:Vpc"
FLOW_LOG: Final = "aws:ec2/flowLog:FlowLog"
LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"
QUEUE: Final = "aws:sqs/queue:Queue"
DEFAULT_GROUP: Final = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"


@resource_rule(of=(LOG_GROUP,), row=2, sources=("CKV_AWS_66",))
def logs_have_an_end(group: Judged) -> Complaints:
    """Logs are kept for a stated time, not for ever."""
    days = at(group.inputs, "retentionInDays")
    stated = holds(days, lambda value: value is not None and float(value) > 0)
    yield from expect(stated, f"retentionInDays must be above 0 (got {shown(days)})")


@resource_rule(of=(LOG_GROUP,), row=19, sources=("CKV_AWS_158",))
def logs_are_encrypted(group: Judged) -> Complaints:
    """Logs are encrypted with a key of the customer's."""
    yield from expect(holds(at(group.inputs, "kmsKeyId"), bool), "kmsKeyId must name a key (got nothing)")


@stack_rule(of=(VPC,), row=None, sources=("CKV2_AWS_11", "EKS guide: network"), level=Level.ADVISORY)
def networks_log_their_flows(resources: Sequence[Judged]) -> StackComplaints:
    """A network of ours logs which connections were made and refused."""
    for vpc in of_kind(resources, VPC):
        logged = any(vpc.urn in log.options.depends_on for log in of_kind(resources, FLOW_LOG))
        for complaint in expect(logged, "the network has no flow log"):
            yield vpc, complaint


@resource_rule(of=(DEFAULT_GROUP,), row=9, sources=("CKV2_AWS_12",))
def default_groups_let_nothing_through(group: Judged) -> Complaints:
    """What is in no security group of ours can talk to nobody."""
    for direction in ("ingress", "egress"):
        none = holds(at(group.inputs, direction), lambda value: not items(value))
        yield from expect(none, f"{direction} must be empty")


@resource_rule(of=(QUEUE,), row=19, sources=("CKV_AWS_27",))
def queues_are_encrypted(queue: Judged) -> Complaints:
    """Queues are encrypted."""
    by_key = holds(at(queue.inputs, "kmsMasterKeyId"), bool)
    by_service = holds(at(queue.inputs, "sqsManagedSseEnabled"), lambda value: value is True)
    yield from expect(either((by_key, by_service)), "sqsManagedSseEnabled must be true, or kmsMasterKeyId name a key")


@resource_rule(of=("storage.k8s.io:StorageClass",), row=19, sources=("EKS guide: data", "CKV_AWS_3"))
def volumes_are_encrypted(storage: Judged) -> Complaints:
    """Volumes that pods ask for are encrypted."""
    provisioner = at(storage.inputs, "provisioner")
    elsewhere = holds(provisioner, lambda value: value != "ebs.csi.aws.com")
    encrypted = holds(at(storage.inputs, "parameters", "encrypted"), lambda value: str(value).lower() == "true")
    yield from expect(either((elsewhere, encrypted)), "parameters.encrypted must be true")


RULES: Final = (
    logs_have_an_end,
    logs_are_encrypted,
    networks_log_their_flows,
    default_groups_let_nothing_through,
    queues_are_encrypted,
    volumes_are_encrypted,
)
