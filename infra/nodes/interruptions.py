"""Early warnings: EventBridge puts interruptions, health events and state changes on a queue that Karpenter reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import cloudwatch, sqs

from infra.account import Account
from infra.identity.policy_document import (
    EVERYONE,
    Condition,
    Effect,
    PolicyDocument,
    PrincipalKind,
    Principals,
    Statement,
)
from infra.tags import named

RETENTION_SECONDS = 300
"""A warning older than this is of no use."""
EVENTS: Mapping[str, tuple[str, str]] = {
    "health": ("aws.health", "AWS Health Event"),
    "spot": ("aws.ec2", "EC2 Spot Instance Interruption Warning"),
    "rebalance": ("aws.ec2", "EC2 Instance Rebalance Recommendation"),
    "state": ("aws.ec2", "EC2 Instance State-change Notification"),
    "reservation": ("aws.ec2", "EC2 Capacity Reservation Instance Interruption Warning"),
}
"""Short name -> EventBridge's source and detail type, as Karpenter 1.14 listens to them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InterruptionsArgs:
    """Whose warnings."""

    account: Account
    cluster_name: str
    """Also the queue's name."""
    tags: Mapping[str, str] = field(default_factory=dict)


def queue_policy(account: Account, queue_arn: pulumi.Input[str]) -> PolicyDocument:
    """Only EventBridge of our account sends, and nobody without TLS."""
    return PolicyDocument(
        statements=(
            Statement(
                sid="EventsSend",
                actions=("sqs:SendMessage",),
                resources=(queue_arn,),
                principals=Principals(kind=PrincipalKind.SERVICE, names=("events.amazonaws.com",)),
                conditions=(Condition(operator="StringEquals", key="aws:SourceAccount", values=(account.account_id,)),),
            ),
            Statement(
                sid="OnlyTls",
                effect=Effect.DENY,
                actions=("sqs:*",),
                resources=(queue_arn,),
                principals=EVERYONE,
                conditions=(Condition(operator="Bool", key="aws:SecureTransport", values=("false",)),),
            ),
        )
    )


class Interruptions(pulumi.ComponentResource):
    """The queue and the rules that fill it."""

    queue_name: pulumi.Output[str]
    queue_arn: pulumi.Output[str]

    def __init__(self, name: str, args: InterruptionsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:nodes:Interruptions", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        queue = sqs.Queue(
            f"{name}-queue",
            name=args.cluster_name,
            message_retention_seconds=RETENTION_SECONDS,
            sqs_managed_sse_enabled=True,
            tags=named(args.tags, name),
            opts=child,
        )
        sqs.QueuePolicy(
            f"{name}-policy", queue_url=queue.url, policy=queue_policy(args.account, queue.arn).json(), opts=child
        )
        for event, (source, detail_type) in EVENTS.items():
            rule = cloudwatch.EventRule(
                f"{name}-{event}",
                description=detail_type,
                event_pattern=pulumi.Output.json_dumps({"source": [source], "detail-type": [detail_type]}),
                tags=named(args.tags, f"{name}-{event}"),
                opts=child,
            )
            cloudwatch.EventTarget(f"{name}-{event}-target", rule=rule.name, arn=queue.arn, opts=child)
        self.queue_name = queue.name
        self.queue_arn = queue.arn
        self.register_outputs({"queueName": self.queue_name, "queueArn": self.queue_arn})
