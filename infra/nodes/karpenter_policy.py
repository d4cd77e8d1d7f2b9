"""What Karpenter's controller may do: make and remove its own cluster's nodes, and read what it needs to choose them.

The rights are those that Karpenter 1.14 documents (getting-started/cloudformation.yaml of aws/karpenter-provider-aws).
Whatever it changes must carry this cluster's tag; whatever it makes must get it.
"""

from collections.abc import Sequence

import pulumi

from infra.account import Account
from infra.identity.policy_document import Condition, PolicyDocument, Statement

POOL_TAG = "karpenter.sh/nodepool"
CLASS_TAG = "karpenter.k8s.aws/ec2nodeclass"
CLUSTER_NAME_TAG = "eks:eks-cluster-name"
REGION_TAG = "topology.kubernetes.io/region"
LAUNCH = ("ec2:RunInstances", "ec2:CreateFleet")
DESCRIBE = tuple(
    f"ec2:Describe{what}"
    for what in (
        "CapacityReservations",
        "Images",
        "InstanceStatus",
        "InstanceTypeOfferings",
        "InstanceTypes",
        "Instances",
        "LaunchTemplates",
        "PlacementGroups",
        "SecurityGroups",
        "SpotPriceHistory",
        "Subnets",
    )
)


def controller_policy(
    account: Account, cluster_name: str, *, node_role_arn: pulumi.Input[str], queue_arn: pulumi.Input[str]
) -> PolicyDocument:
    """Everything that the controller's role may do."""
    return PolicyDocument(
        statements=(
            *_launching(account, cluster_name),
            *_tagging(account, cluster_name),
            *_profiles(account, cluster_name, node_role_arn),
            *_reading(account, cluster_name, queue_arn),
        )
    )


def _launching(account: Account, cluster_name: str) -> Sequence[Statement]:
    owned = _equals(f"aws:ResourceTag/kubernetes.io/cluster/{cluster_name}", "owned")
    ours = _like(f"aws:ResourceTag/{POOL_TAG}")
    return (
        Statement(sid="LaunchFrom", actions=LAUNCH, resources=_launch_sources(account)),
        Statement(
            sid="LaunchFromOwnTemplates",
            actions=LAUNCH,
            resources=(_ec2(account, "launch-template/*"),),
            conditions=(owned, ours),
        ),
        Statement(
            sid="LaunchTagged",
            actions=(*LAUNCH, "ec2:CreateLaunchTemplate"),
            resources=_launched(account),
            conditions=_new_tags(cluster_name),
        ),
        Statement(
            sid="RemoveOwn",
            actions=("ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"),
            resources=(_ec2(account, "instance/*"), _ec2(account, "launch-template/*")),
            conditions=(owned, ours),
        ),
    )


def _tagging(account: Account, cluster_name: str) -> Sequence[Statement]:
    return (
        Statement(
            sid="TagWhileLaunching",
            actions=("ec2:CreateTags",),
            resources=_launched(account),
            conditions=(
                *_new_tags(cluster_name),
                _equals("ec2:CreateAction", "RunInstances", "CreateFleet", "CreateLaunchTemplate"),
            ),
        ),
        Statement(
            sid="NameOwnInstances",
            actions=("ec2:CreateTags",),
            resources=(_ec2(account, "instance/*"),),
            conditions=(
                _equals(f"aws:ResourceTag/kubernetes.io/cluster/{cluster_name}", "owned"),
                _like(f"aws:ResourceTag/{POOL_TAG}"),
                Condition(
                    operator="StringEqualsIfExists",
                    key=f"aws:RequestTag/{CLUSTER_NAME_TAG}",
                    values=(cluster_name,),
                ),
                Condition(
                    operator="ForAllValues:StringEquals",
                    key="aws:TagKeys",
                    values=(CLUSTER_NAME_TAG, "karpenter.sh/nodeclaim", "Name"),
                ),
            ),
        ),
    )


def _profiles(account: Account, cluster_name: str, node_role_arn: pulumi.Input[str]) -> Sequence[Statement]:
    """Instance profiles are how EC2 hands a role to an instance; Karpenter makes one for each node class."""
    profiles = (account.iam_arn("instance-profile/*"),)
    of_cluster = f"kubernetes.io/cluster/{cluster_name}"
    resource = (
        _equals(f"aws:ResourceTag/{of_cluster}", "owned"),
        _equals(f"aws:ResourceTag/{REGION_TAG}", account.region),
        _like(f"aws:ResourceTag/{CLASS_TAG}"),
    )
    request = (
        _equals(f"aws:RequestTag/{of_cluster}", "owned"),
        _equals(f"aws:RequestTag/{CLUSTER_NAME_TAG}", cluster_name),
        _equals(f"aws:RequestTag/{REGION_TAG}", account.region),
        _like(f"aws:RequestTag/{CLASS_TAG}"),
    )
    change = ("iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile", "iam:DeleteInstanceProfile")
    return (
        Statement(
            sid="PassNodeRole",
            actions=("iam:PassRole",),
            resources=(node_role_arn,),
            conditions=(_equals("iam:PassedToService", f"ec2.{account.dns_suffix}"),),
        ),
        Statement(sid="MakeProfiles", actions=("iam:CreateInstanceProfile",), resources=profiles, conditions=request),
        Statement(
            sid="TagProfiles", actions=("iam:TagInstanceProfile",), resources=profiles, conditions=(*resource, *request)
        ),
        Statement(sid="ChangeProfiles", actions=change, resources=profiles, conditions=resource),
        Statement(sid="ReadProfiles", actions=("iam:GetInstanceProfile",), resources=profiles),
        # Listing knows no resource.
        Statement(sid="ListProfiles", actions=("iam:ListInstanceProfiles",), resources=("*",)),
    )


def _reading(account: Account, cluster_name: str, queue_arn: pulumi.Input[str]) -> Sequence[Statement]:
    public_parameters = f"arn:{account.partition}:ssm:{account.region}::parameter/aws/service/*"
    return (
        # Describing knows no resource; only this region's answers are allowed.
        Statement(
            sid="DescribeRegion",
            actions=DESCRIBE,
            resources=("*",),
            conditions=(_equals("aws:RequestedRegion", account.region),),
        ),
        Statement(sid="FindImages", actions=("ssm:GetParameter",), resources=(public_parameters,)),
        # The price list knows no resource.
        Statement(sid="ReadPrices", actions=("pricing:GetProducts",), resources=("*",)),
        Statement(
            sid="FindCluster",
            actions=("eks:DescribeCluster",),
            resources=(account.arn("eks", f"cluster/{cluster_name}"),),
        ),
        Statement(
            sid="HearInterruptions",
            actions=("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueUrl"),
            resources=(queue_arn,),
        ),
    )


def _launch_sources(account: Account) -> tuple[str, ...]:
    """What an instance is launched from; images and snapshots belong to AWS, the rest is the account's."""
    public = tuple(f"arn:{account.partition}:ec2:{account.region}::{kind}/*" for kind in ("image", "snapshot"))
    kinds = ("security-group", "subnet", "capacity-reservation", "placement-group")
    return public + tuple(_ec2(account, f"{kind}/*") for kind in kinds)


def _launched(account: Account) -> tuple[str, ...]:
    """What a launch makes."""
    kinds = ("fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request")
    return tuple(_ec2(account, f"{kind}/*") for kind in kinds)


def _ec2(account: Account, resource: str) -> str:
    """Subnets may be shared from another account, so the account is open; tags and region narrow it."""
    return f"arn:{account.partition}:ec2:{account.region}:*:{resource}"


def _new_tags(cluster_name: str) -> tuple[Condition, ...]:
    return (
        _equals(f"aws:RequestTag/kubernetes.io/cluster/{cluster_name}", "owned"),
        _equals(f"aws:RequestTag/{CLUSTER_NAME_TAG}", cluster_name),
        _like(f"aws:RequestTag/{POOL_TAG}"),
    )


def _equals(key: str, *values: str) -> Condition:
    return Condition(operator="StringEquals", key=key, values=values)


def _like(key: str) -> Condition:
    """The tag is there, whatever it says."""
    return Condition(operator="StringLike", key=key, values=("*",))
