"""What AWS answers for each of its types that the platform declares: ids and ARNs of the real form, fixed by name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Final

from stacks.capture.monitor import Fake, FakeRequest
from stacks.capture.values import Value

ACCOUNT_ID: Final = "123456789012"
"""The account of AWS's own examples."""
REGION: Final = "us-west-2"

Outputs = Mapping[str, Value]


def _digits(request: FakeRequest, count: int) -> str:
    """Hexadecimal digits that follow from the resource's type and name."""
    return hashlib.sha256(f"{request.type}/{request.name}".encode()).hexdigest()[:count]


def _text(request: FakeRequest, *keys: str) -> str:
    """The first of the inputs that is there, or the logical name with Pulumi's seven letters."""
    for key in keys:
        value = request.inputs.get(key)
        if isinstance(value, str):
            return value
    return f"{request.name}-{_digits(request, 7)}"


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{resource}"


def _global_arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}::{ACCOUNT_ID}:{resource}"


def _ec2(prefix: str, kind: str) -> Fake:
    """A resource of EC2: `<prefix>-<17 digits>` and the ARN that ends in it."""

    def fake(request: FakeRequest) -> Outputs:
        made = f"{prefix}-0{_digits(request, 16)}"
        return {"id": made, "arn": _arn("ec2", f"{kind}/{made}")}

    return fake


def _link(*keys: str) -> Fake:
    """A resource that only ties others together: its id is theirs."""

    def fake(request: FakeRequest) -> Outputs:
        return {"id": "/".join(_text(request, key) for key in keys)}

    return fake


def _by_name(id_key: str, arn_of: Callable[[str], str] | None = None) -> Fake:
    """A resource whose id is its name."""

    def fake(request: FakeRequest) -> Outputs:
        name = _text(request, id_key)
        return {"id": name, id_key: name, **({"arn": arn_of(name)} if arn_of else {})}

    return fake


def _launch_template(request: FakeRequest) -> Outputs:
    made = f"lt-0{_digits(request, 16)}"
    return {
        "id": made,
        "arn": _arn("ec2", f"launch-template/{made}"),
        "name": _text(request, "name"),
        "latestVersion": 1,
        "defaultVersion": 1,
    }


def _role(request: FakeRequest) -> Outputs:
    name = _text(request, "name")
    return {"id": name, "name": name, "arn": _global_arn("iam", f"role/{name}"), "uniqueId": "AROA" + "X" * 17}


def _key(request: FakeRequest) -> Outputs:
    digits = _digits(request, 32)
    made = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return {"id": made, "keyId": made, "arn": _arn("kms", f"key/{made}")}


def _alias(request: FakeRequest) -> Outputs:
    name = f"{_text(request, 'namePrefix')}{_digits(request, 7)}"
    return {"id": name, "name": name, "arn": _arn("kms", name)}


def _queue(request: FakeRequest) -> Outputs:
    name = _text(request, "name")
    url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/{name}"
    return {"id": url, "url": url, "name": name, "arn": _arn("sqs", name)}


def _bucket(request: FakeRequest) -> Outputs:
    name = _text(request, "bucket")
    return {
        "id": name,
        "bucket": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucketRegionalDomainName": f"{name}.s3.{REGION}.amazonaws.com",
    }


def _repository(request: FakeRequest) -> Outputs:
    name = _text(request, "name")
    url = f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com/{name}"
    return {
        "id": name,
        "name": name,
        "arn": _arn("ecr", f"repository/{name}"),
        "repositoryUrl": url,
        "registryId": ACCOUNT_ID,
    }


def _node_group(request: FakeRequest) -> Outputs:
    cluster, name = _text(request, "clusterName"), _text(request, "nodeGroupName")
    return {
        "id": f"{cluster}:{name}",
        "nodeGroupName": name,
        "arn": _arn("eks", f"nodegroup/{cluster}/{name}"),
        "status": "ACTIVE",
    }


def _add_on(request: FakeRequest) -> Outputs:
    cluster, name = _text(request, "clusterName"), _text(request, "addonName")
    return {"id": f"{cluster}:{name}", "arn": _arn("eks", f"addon/{cluster}/{name}")}


def _access_entry(request: FakeRequest) -> Outputs:
    cluster, principal = _text(request, "clusterName"), _text(request, "principalArn")
    return {"id": f"{cluster}:{principal}", "accessEntryArn": _arn("eks", f"access-entry/{cluster}/role")}


def _cluster(request: FakeRequest) -> Outputs:
    """The component's flat outputs; its live resources stay out, as programs may not touch them."""
    name = _text(request, "name")
    issuer = f"oidc.eks.{REGION}.amazonaws.com/id/{_digits(request, 32).upper()}"
    group = f"sg-0{_digits(request, 16)}"
    return {
        "kubeconfigJson": json.dumps(_kubeconfig(name, _digits(request, 32).upper())),
        "oidcProviderArn": _global_arn("iam", f"oidc-provider/{issuer}"),
        "oidcProviderUrl": f"https://{issuer}",
        "oidcIssuer": issuer,
        "clusterSecurityGroupId": group,
        "nodeSecurityGroupId": group,
    }


def _kubeconfig(cluster: str, digits: str) -> dict[str, Value]:
    command: dict[str, Value] = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": ["--region", REGION, "eks", "get-token", "--cluster-name", cluster],
    }
    server = f"https://{digits}.gr7.{REGION}.eks.amazonaws.com"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {"server": server}}],
        "users": [{"name": "aws", "user": {"exec": command}}],
        "contexts": [{"name": "aws", "context": {"cluster": cluster, "user": "aws"}}],
        "current-context": "aws",
    }


def _caller(request: FakeRequest) -> Outputs:
    return {"id": ACCOUNT_ID, "accountId": ACCOUNT_ID, "arn": _global_arn("iam", "role/deployer"), "userId": "AROAX"}


def _find_key(request: FakeRequest) -> Outputs:
    key = _arn("kms", f"key/{_digits(request, 32)}")
    name = str(request.inputs["name"])
    return {"id": key, "name": name, "arn": _arn("kms", name), "targetKeyArn": key, "targetKeyId": key.split("/")[1]}


def _provider(request: FakeRequest) -> Outputs:
    return {"id": _digits(request, 32)}


FAKES: Mapping[str, Fake] = {
    "pulumi:providers:aws": _provider,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller,
    "aws:kms/getAlias:getAlias": _find_key,
    "aws:ec2/vpc:Vpc": _ec2("vpc", "vpc"),
    "aws:ec2/subnet:Subnet": _ec2("subnet", "subnet"),
    "aws:ec2/internetGateway:InternetGateway": _ec2("igw", "internet-gateway"),
    "aws:ec2/eip:Eip": _ec2("eipalloc", "elastic-ip"),
    "aws:ec2/natGateway:NatGateway": _ec2("nat", "natgateway"),
    "aws:ec2/routeTable:RouteTable": _ec2("rtb", "route-table"),
    "aws:ec2/route:Route": _link("routeTableId", "destinationCidrBlock"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _ec2("rtbassoc", "route-table-association"),
    "aws:ec2/securityGroup:SecurityGroup": _ec2("sg", "security-group"),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _ec2("sg", "security-group"),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _ec2("sgr", "security-group-rule"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _ec2("vpce", "vpc-endpoint"),
    "aws:ec2/flowLog:FlowLog": _ec2("fl", "vpc-flow-log"),
    "aws:ec2/launchTemplate:LaunchTemplate": _launch_template,
    "aws:cloudwatch/logGroup:LogGroup": _by_name("name", lambda name: _arn("logs", f"log-group:{name}")),
    "aws:cloudwatch/eventRule:EventRule": _by_name("name", lambda name: _arn("events", f"rule/{name}")),
    "aws:cloudwatch/eventTarget:EventTarget": _link("rule", "targetId"),
    "aws:iam/role:Role": _role,
    "aws:iam/rolePolicy:RolePolicy": _link("role", "name"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _link("role", "policyArn"),
    "aws:kms/key:Key": _key,
    "aws:kms/alias:Alias": _alias,
    "aws:sqs/queue:Queue": _queue,
    "aws:sqs/queuePolicy:QueuePolicy": _link("queueUrl"),
    "aws:eks/nodeGroup:NodeGroup": _node_group,
    "aws:eks/addon:Addon": _add_on,
    "aws:eks/accessEntry:AccessEntry": _access_entry,
    "aws:ecr/repository:Repository": _repository,
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": _link("repository"),
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _link("bucket"),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _link("bucket"),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _link("bucket"),
    "aws:s3/bucketVersioning:BucketVersioning": _link("bucket"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _link("bucket"),
    "aws:s3/bucketLogging:BucketLogging": _link("bucket"),
    "aws:s3/bucketPolicy:BucketPolicy": _link("bucket"),
    "eks:index:Cluster": _cluster,
}
