"""Rights of the cluster's controllers, each no more than its work here asks for."""

import pulumi

from infra.account import Account
from infra.identity.policy_document import Condition, PolicyDocument, Statement
from infra.text import joined

CLUSTER_TAG = "elbv2.k8s.aws/cluster"
"""What the load-balancer controller tags all that it makes with."""
ANY = ("*",)


def load_balancer_policy(account: Account, cluster_name: str) -> PolicyDocument:
    """Network load balancers of one cluster: make, change and remove what carries the cluster's tag.

    A part of the controller's own list (docs/install/iam_policy.json of kubernetes-sigs/aws-load-balancer-controller,
    v3.5): no application load balancers, so no WAF, Shield or Cognito; certificates are named, so none are listed.
    """
    made = _equals(f"aws:RequestTag/{CLUSTER_TAG}", cluster_name)
    owned = _equals(f"aws:ResourceTag/{CLUSTER_TAG}", cluster_name)
    region = _equals("aws:RequestedRegion", account.region)
    return PolicyDocument(
        statements=(
            Statement(sid="Describe", actions=DESCRIBE_BALANCING, resources=ANY, conditions=(region,)),
            Statement(
                sid="FirstBalancerOfTheAccount",
                actions=("iam:CreateServiceLinkedRole",),
                resources=ANY,
                conditions=(_equals("iam:AWSServiceName", f"elasticloadbalancing.{account.dns_suffix}"),),
            ),
            # The nodes' group is EKS's and carries no tag of the controller; rules are all that is changed in it.
            Statement(
                sid="OpenNodesToBalancers",
                actions=("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"),
                resources=(account.arn("ec2", "security-group/*"),),
                conditions=(_equals(f"aws:ResourceTag/kubernetes.io/cluster/{cluster_name}", "owned"),),
            ),
            *_groups(account, cluster_name),
            Statement(
                sid="MakeBalancers",
                actions=("elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"),
                resources=_balancing(account, "loadbalancer/net/*", "targetgroup/*"),
                conditions=(made,),
            ),
            Statement(
                sid="MakeListeners",
                actions=("elasticloadbalancing:CreateListener",),
                resources=_balancing(account, "loadbalancer/net/*"),
                conditions=(owned,),
            ),
            Statement(
                sid="TagWhileMaking",
                actions=("elasticloadbalancing:AddTags",),
                resources=_balancing(account, "loadbalancer/net/*", "targetgroup/*", "listener/net/*"),
                conditions=(made,),
            ),
            Statement(
                sid="ChangeOwn",
                actions=CHANGE_BALANCING,
                resources=_balancing(account, "loadbalancer/net/*", "targetgroup/*", "listener/net/*"),
                conditions=(owned,),
            ),
        )
    )


DESCRIBE_BALANCING = tuple(
    f"ec2:{action}"
    for action in (
        "DescribeAccountAttributes",
        "DescribeAddresses",
        "DescribeAvailabilityZones",
        "DescribeInstances",
        "DescribeInternetGateways",
        "DescribeIpamPools",
        "DescribeNetworkInterfaces",
        "DescribeRouteTables",
        "DescribeSecurityGroups",
        "DescribeSubnets",
        "DescribeTags",
        "DescribeVpcPeeringConnections",
        "DescribeVpcs",
        "GetSecurityGroupsForVpc",
    )
) + tuple(
    f"elasticloadbalancing:Describe{what}"
    for what in (
        "CapacityReservation",
        "ListenerAttributes",
        "ListenerCertificates",
        "Listeners",
        "LoadBalancerAttributes",
        "LoadBalancers",
        "Rules",
        "SSLPolicies",
        "Tags",
        "TargetGroupAttributes",
        "TargetGroups",
        "TargetHealth",
        "TrustStores",
    )
)
CHANGE_BALANCING = tuple(
    f"elasticloadbalancing:{action}"
    for action in (
        "AddListenerCertificates",
        "AddTags",
        "DeleteListener",
        "DeleteLoadBalancer",
        "DeleteTargetGroup",
        "DeregisterTargets",
        "ModifyCapacityReservation",
        "ModifyIpPools",
        "ModifyListener",
        "ModifyListenerAttributes",
        "ModifyLoadBalancerAttributes",
        "ModifyTargetGroup",
        "ModifyTargetGroupAttributes",
        "RegisterTargets",
        "RemoveListenerCertificates",
        "RemoveTags",
        "SetIpAddressType",
        "SetSecurityGroups",
        "SetSubnets",
    )
)


def external_dns_policy(account: Account, zone_id: str) -> PolicyDocument:
    """Records of one hosted zone."""
    zone = f"arn:{account.partition}:route53:::hostedzone/{zone_id}"
    return PolicyDocument(
        statements=(
            Statement(
                sid="ChangeRecords",
                actions=("route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets"),
                resources=(zone,),
            ),
            # Listing knows no resource.
            Statement(
                sid="FindZone",
                actions=("route53:ListHostedZones", "route53:ListHostedZonesByName", "route53:ListTagsForResources"),
                resources=ANY,
            ),
        )
    )


def pulumi_operator_policy(
    account: Account, *, state_bucket_arn: pulumi.Input[str], state_prefix: str, kms_key_arn: pulumi.Input[str]
) -> PolicyDocument:
    """The state of the releases stack, and the key of its secrets: what the operator's runs need of AWS."""
    below = Condition(operator="StringLike", key="s3:prefix", values=(f"{state_prefix}/*", state_prefix))
    return PolicyDocument(
        statements=(
            Statement(sid="ListState", actions=("s3:ListBucket",), resources=(state_bucket_arn,), conditions=(below,)),
            Statement(
                sid="ReadAndWriteState",
                # A lock and a replaced backup are deleted as part of every run.
                actions=("s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
                resources=(joined(state_bucket_arn, f"/{state_prefix}/*"),),
            ),
            Statement(
                sid="OpenSecrets",
                actions=("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"),
                resources=(kms_key_arn,),
                conditions=(_equals("kms:CallerAccount", account.account_id),),
            ),
        )
    )


def _groups(account: Account, cluster_name: str) -> tuple[Statement, ...]:
    """Security groups of the balancers themselves."""
    groups = (account.arn("ec2", "security-group/*"),)
    made = _equals(f"aws:RequestTag/{CLUSTER_TAG}", cluster_name)
    owned = _equals(f"aws:ResourceTag/{CLUSTER_TAG}", cluster_name)
    change = ("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress", "ec2:DeleteSecurityGroup")
    return (
        Statement(sid="MakeGroups", actions=("ec2:CreateSecurityGroup",), resources=groups, conditions=(made,)),
        Statement(
            sid="MakeGroupsInVpc",
            actions=("ec2:CreateSecurityGroup",),
            resources=(account.arn("ec2", "vpc/*"),),
        ),
        Statement(
            sid="TagNewGroups",
            actions=("ec2:CreateTags",),
            resources=groups,
            conditions=(_equals("ec2:CreateAction", "CreateSecurityGroup"), made),
        ),
        Statement(
            sid="TagOwnGroups", actions=("ec2:CreateTags", "ec2:DeleteTags"), resources=groups, conditions=(owned,)
        ),
        Statement(sid="ChangeOwnGroups", actions=change, resources=groups, conditions=(owned,)),
    )


def _balancing(account: Account, *resources: str) -> tuple[str, ...]:
    return tuple(account.arn("elasticloadbalancing", resource) for resource in resources)


def _equals(key: str, *values: str) -> Condition:
    return Condition(operator="StringEquals", key=key, values=values)
