"""The types that cost nothing, each with the reason; what is neither here nor in a rule is not silently free."""

from collections.abc import Mapping

FREE_PREFIXES: Mapping[str, str] = {
    "aws:iam/": "identities and policies cost nothing",
    "pulumi:providers:": "a client, not a resource",
    "kubernetes:": "runs on nodes that are counted; volumes and load balancers have rules",
}
"""Beginning of a type token -> why."""

FREE: Mapping[str, str] = {
    "aws:ec2/vpc:Vpc": "a VPC costs nothing",
    "aws:ec2/subnet:Subnet": "a subnet costs nothing",
    "aws:ec2/internetGateway:InternetGateway": "only traffic to the internet costs",
    "aws:ec2/routeTable:RouteTable": "routes cost nothing",
    "aws:ec2/route:Route": "routes cost nothing",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "routes cost nothing",
    "aws:ec2/securityGroup:SecurityGroup": "rules cost nothing",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "rules cost nothing",
    "aws:ec2/flowLog:FlowLog": "its log group is priced",
    "aws:ec2/launchTemplate:LaunchTemplate": "its nodes and volumes are priced",
    "aws:ec2/tag:Tag": "tags cost nothing",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "rules cost nothing",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "rules cost nothing",
    "aws:eks/addon:Addon": "managed add-ons cost nothing; their pods run on nodes that are counted",
    "aws:eks/accessEntry:AccessEntry": "entries cost nothing",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": "entries cost nothing",
    "aws:kms/alias:Alias": "names of keys cost nothing",
    "aws:kms/keyPolicy:KeyPolicy": "policies cost nothing",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "policies cost nothing",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "policies cost nothing",
    "aws:sqs/queue:Queue": "interruption notices stay far below the million free requests a month",
    "aws:sqs/queuePolicy:QueuePolicy": "policies cost nothing",
    "aws:cloudwatch/eventRule:EventRule": "AWS's own events cost nothing",
    "aws:cloudwatch/eventTarget:EventTarget": "AWS's own events cost nothing",
    "pulumi:pulumi:StackReference": "reads another stack's outputs",
}
"""Type token -> why."""

_BUCKET_SETTINGS = "aws:s3/bucket"


def reason_free(token: str) -> str | None:
    """Why a type costs nothing; None where nobody has said so."""
    if token in FREE:
        return FREE[token]
    if token.startswith(_BUCKET_SETTINGS) and token != "aws:s3/bucket:Bucket":  # noqa: S105
        return "a setting of a bucket, which is priced"
    return next((why for prefix, why in FREE_PREFIXES.items() if token.startswith(prefix)), None)
