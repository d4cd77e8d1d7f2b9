"""Rules about the EKS cluster, its versions, its endpoint and its nodes."""

from collections.abc import Mapping, Sequence
from typing import Final

from infra.cluster import support
from infra.policies.judged import UNKNOWN, Judged, Maybe, Value, at, both, either, items
from infra.policies.rule import (
    Complaints,
    Level,
    StackComplaints,
    expect,
    expect_is,
    holds,
    of_kind,
    resource_rule,
    shown,
    stack_rule,
)

COMPONENT: Final = "eks:index:Cluster"
CLUSTER: Final = "aws:eks/cluster:Cluster"
CLUSTERS: Final = (COMPONENT, CLUSTER)
LOG_TYPES: Final = frozenset({"api", "audit", "authenticator", "controllerManager", "scheduler"})
SUPPORTED_VERSIONS: Final = tuple(window.version for window in support.WINDOWS if window.standard_until > support.AS_OF)
"""In standard support on the day of the table."""
LAUNCH_TEMPLATE: Final = "aws:ec2/launchTemplate:LaunchTemplate"
NODE_CLASS: Final = "karpenter.k8s.aws:EC2NodeClass"
NODE_GROUP: Final = "aws:eks/nodeGroup:NodeGroup"
ASSOCIATION: Final = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
ADMIN_POLICY: Final = "AmazonEKSClusterAdminPolicy"

_PATHS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str | int, ...]]]] = {
    "public": (("endpointPublicAccess",), ("vpcConfig", "endpointPublicAccess")),
    "private": (("endpointPrivateAccess",), ("vpcConfig", "endpointPrivateAccess")),
    "cidrs": (("publicAccessCidrs",), ("vpcConfig", "publicAccessCidrs")),
    "logs": (("enabledClusterLogTypes",), ("enabledClusterLogTypes",)),
    "key": (("encryptionConfigKeyArn",), ("encryptionConfig", "provider", "keyArn")),
    "version": (("version",), ("version",)),
    "authentication": (("authenticationMode",), ("accessConfig", "authenticationMode")),
    "protected": (("deletionProtection",), ("deletionProtection",)),
}


def setting(cluster: Judged, name: str) -> Value:
    """A setting of a cluster in either of its forms: pulumi-eks' component or the AWS resource."""
    component, resource = _PATHS[name]
    return at(cluster.inputs, *(component if cluster.type == COMPONENT else resource))


def _declared(cluster: Judged) -> bool:
    """The engine shows the component without inputs and its AWS cluster with all of them."""
    return bool(cluster.inputs)


@resource_rule(of=CLUSTERS, row=1, sources=("CIS EKS 5.4.1", "CIS EKS 5.4.2", "CKV_AWS_38", "CKV_AWS_39"))
def cluster_endpoint_is_not_open(cluster: Judged) -> Complaints:
    """The cluster's API endpoint is private, or public for named networks only."""
    if not _declared(cluster):
        return
    public = holds(setting(cluster, "public"), lambda value: value is not False)
    cidrs = setting(cluster, "cidrs")
    named = holds(cidrs, lambda value: bool(value) and not set(value) & {"0.0.0.0/0", "::/0"})
    limited = either((holds(public, lambda value: not value), named))
    yield from expect(limited, f"publicAccessCidrs must name networks, never 0.0.0.0/0 (got {shown(cidrs)})")
    private = setting(cluster, "private")
    yield from expect_is(private, True, "endpointPrivateAccess")


@resource_rule(of=CLUSTERS, row=2, sources=("CIS EKS 2.1.1", "CKV_AWS_37", "AVD-AWS-0038"))
def cluster_writes_all_logs(cluster: Judged) -> Complaints:
    """All five logs of the control plane are on."""
    if _declared(cluster):
        logs = setting(cluster, "logs")
        wanted = ", ".join(sorted(LOG_TYPES))
        every = holds(logs, lambda value: set(value or ()) >= LOG_TYPES)
        yield from expect(every, f"enabledClusterLogTypes must hold {wanted} (got {shown(logs)})")


@resource_rule(of=CLUSTERS, row=3, sources=("CIS EKS 5.3.1", "CKV_AWS_58", "CT.EKS.PR.2"))
def cluster_encrypts_secrets(cluster: Judged) -> Complaints:
    """Kubernetes secrets are encrypted with a key of the customer's."""
    if _declared(cluster):
        key = holds(setting(cluster, "key"), bool)
        yield from expect(key, "the cluster needs a KMS key for its secrets (got nothing)")


@resource_rule(of=CLUSTERS, row=4, sources=("CKV_AWS_339",))
def cluster_version_is_supported(cluster: Judged) -> Complaints:
    """The Kubernetes version is pinned and in standard support."""
    if _declared(cluster):
        version = setting(cluster, "version")
        allowed = ", ".join(SUPPORTED_VERSIONS)
        supported = holds(version, lambda value: str(value) in SUPPORTED_VERSIONS)
        yield from expect(supported, f"version must be one of {allowed} (got {shown(version)})")


@resource_rule(of=CLUSTERS, row=5, sources=("EKS guide: identity", "CIS EKS 4.1.7"))
def cluster_access_is_by_entries(cluster: Judged) -> Complaints:
    """People and roles enter by access entries, not by the aws-auth map."""
    if _declared(cluster):
        mode = setting(cluster, "authentication")
        by_api = holds(mode, lambda value: str(value).upper() == "API")
        yield from expect(by_api, f"authenticationMode must be API (got {shown(mode)})")


@resource_rule(of=("core:ConfigMap",), row=5, sources=("EKS guide: identity", "CIS EKS 4.1.7"))
def no_aws_auth_map(config_map: Judged) -> Complaints:
    """Nothing writes the aws-auth map, which anybody with the right to edit it turns into an administrator."""
    name = at(config_map.inputs, "metadata", "name")
    yield from expect(
        holds(name, lambda value: value != "aws-auth"), "the aws-auth ConfigMap gives way to access entries"
    )


@resource_rule(of=(COMPONENT,), row=10, sources=("CIS EKS 4.1.1", "C-0035"))
def administrators_are_named_roles(cluster: Judged) -> Complaints:
    """Whoever is administrator of the cluster is a named role, neither a user nor the account's root."""
    entries = at(cluster.inputs, "accessEntries")
    for name, entry in ({"accessEntries": UNKNOWN} if entries is UNKNOWN else entries or {}).items():
        yield from expect(
            either((_is_no_administrator(entry), holds(at(entry, "principalArn"), lambda arn: ":role/" in str(arn)))),
            f"access entry {name} is administrator and must be a role (got {shown(at(entry, 'principalArn'))})",
        )


@resource_rule(of=(ASSOCIATION,), row=10, sources=("CIS EKS 4.1.1", "C-0035"))
def administration_is_for_named_roles(association: Judged) -> Complaints:
    """The policy of administrators is associated with named roles only."""
    arn = at(association.inputs, "principalArn")
    less = holds(at(association.inputs, "policyArn"), lambda value: ADMIN_POLICY not in str(value))
    role = holds(arn, lambda value: ":role/" in str(value))
    yield from expect(either((less, role)), f"principalArn is administrator and must be a role (got {shown(arn)})")


def _is_no_administrator(entry: Value) -> Maybe:
    policies = at(entry, "accessPolicies")
    associations = [UNKNOWN] if policies is UNKNOWN else list((policies or {}).values())
    return both(*(holds(at(policy, "policyArn"), lambda arn: ADMIN_POLICY not in str(arn)) for policy in associations))


@resource_rule(of=(LAUNCH_TEMPLATE,), row=8, sources=("EKS guide: identity", "CKV_AWS_79", "CKV_AWS_341"))
def launch_templates_ask_for_tokens(template: Judged) -> Complaints:
    """Instances answer for their metadata by token only (IMDSv2), one hop away: no pod reaches the node's role."""
    options = at(template.inputs, "metadataOptions")
    yield from expect_is(at(options, "httpTokens"), "required", "metadataOptions.httpTokens")
    yield from expect_is(at(options, "httpPutResponseHopLimit"), 1, "metadataOptions.httpPutResponseHopLimit")


@resource_rule(of=(NODE_CLASS,), row=8, sources=("EKS guide: identity", "CKV_AWS_79", "CKV_AWS_341"))
def karpenter_nodes_ask_for_tokens(node_class: Judged) -> Complaints:
    """Karpenter's instances answer for their metadata by token only (IMDSv2), one hop away."""
    options = at(node_class.inputs, "spec", "metadataOptions")
    yield from expect_is(at(options, "httpTokens"), "required", "spec.metadataOptions.httpTokens")
    yield from expect_is(at(options, "httpPutResponseHopLimit"), 1, "spec.metadataOptions.httpPutResponseHopLimit")


@resource_rule(of=(NODE_GROUP,), row=8, sources=("EKS guide: identity",))
def node_groups_have_a_launch_template(group: Judged) -> Complaints:
    """A node group takes its metadata and disk options from a launch template of ours."""
    template = at(group.inputs, "launchTemplate")
    known = template is UNKNOWN or bool(template)
    yield from expect(known, "launchTemplate must name a template (got nothing)")


@resource_rule(of=(NODE_CLASS,), row=8, sources=("EKS guide: data", "CKV_AWS_3", "CKV_AWS_8"))
def karpenter_disks_are_encrypted(node_class: Judged) -> Complaints:
    """Karpenter's instances have encrypted disks."""
    for mapping in items(at(node_class.inputs, "spec", "blockDeviceMappings")) or [None]:
        yield from expect_is(at(mapping, "ebs", "encrypted"), True, "spec.blockDeviceMappings[].ebs.encrypted")


@resource_rule(of=(LAUNCH_TEMPLATE,), row=8, sources=("EKS guide: data", "CKV_AWS_3", "CKV_AWS_8"))
def launch_template_disks_are_encrypted(template: Judged) -> Complaints:
    """Instances of a launch template have encrypted disks."""
    for mapping in items(at(template.inputs, "blockDeviceMappings")) or [None]:
        encrypted = holds(at(mapping, "ebs", "encrypted"), lambda value: str(value).lower() == "true")
        yield from expect(encrypted, "blockDeviceMappings[].ebs.encrypted must be true")


@resource_rule(of=(NODE_GROUP,), row=9, sources=("CIS EKS 5.4.3", "CKV_AWS_100"))
def node_groups_take_no_ssh(group: Judged) -> Complaints:
    """No node group opens SSH."""
    access = at(group.inputs, "remoteAccess")
    yield from expect(holds(access, lambda value: not value), "remoteAccess must be left out: nodes are reached by SSM")


@resource_rule(of=(LAUNCH_TEMPLATE, NODE_CLASS), row=9, sources=("CIS EKS 5.4.3",))
def nodes_have_no_public_address(template: Judged) -> Complaints:
    """No node gets a public address."""
    for interface in items(at(template.inputs, "networkInterfaces")):
        public = holds(at(interface, "associatePublicIpAddress"), lambda value: str(value).lower() == "true")
        yield from expect(
            holds(public, lambda value: not value), "networkInterfaces[].associatePublicIpAddress is true"
        )
    address = holds(at(template.inputs, "spec", "associatePublicIPAddress"), lambda value: value is not True)
    yield from expect(address, "spec.associatePublicIPAddress is true")


@resource_rule(of=("aws:ec2/subnet:Subnet",), row=9, sources=("CIS EKS 5.4.3", "CKV_AWS_130"))
def subnets_give_no_public_addresses(subnet: Judged) -> Complaints:
    """No subnet gives public addresses by itself; what needs one (a NAT gateway) asks for it."""
    launch = at(subnet.inputs, "mapPublicIpOnLaunch")
    yield from expect(holds(launch, lambda value: not value), "mapPublicIpOnLaunch must be false (got true)")


SECURITY_GROUPS: Final = (
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/securityGroupRule:SecurityGroupRule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
)


@resource_rule(of=SECURITY_GROUPS, row=9, sources=("CIS EKS 5.4.3", "CKV_AWS_24", "CKV_AWS_260"))
def nothing_is_open_to_the_world(group: Judged) -> Complaints:
    """No security group lets the whole internet in."""
    ingress = items(at(group.inputs, "ingress")) if "securityGroup:SecurityGroup" in group.type else [group.inputs]
    if at(group.inputs, "type") == "egress":
        return
    for rule in ingress:
        places = [*items(at(rule, "cidrBlocks")), *items(at(rule, "ipv6CidrBlocks"))]
        places += [at(rule, "cidrIpv4"), at(rule, "cidrIpv6")]
        for place in places:
            closed = holds(place, lambda value: value not in ("0.0.0.0/0", "::/0"))
            yield from expect(closed, f"ingress from {shown(place)} must be narrowed to named networks")


@stack_rule(
    of=CLUSTERS, row=15, sources=("EKS guide: runtime security", "EKS guide: detective controls"), level=Level.ADVISORY
)
def guardduty_watches_the_cluster(resources: Sequence[Judged]) -> StackComplaints:
    """GuardDuty's runtime monitoring of EKS is on, here or for the whole organisation."""
    features = of_kind(resources, "aws:guardduty/detectorFeature:DetectorFeature")
    names = [at(feature.inputs, "name") for feature in features]
    on = either(holds(name, lambda value: value in ("EKS_RUNTIME_MONITORING", "RUNTIME_MONITORING")) for name in names)
    for complaint in expect(on, "no GuardDuty feature RUNTIME_MONITORING here; see that the organisation turns it on"):
        yield None, complaint


RULES: Final = (
    cluster_endpoint_is_not_open,
    cluster_writes_all_logs,
    cluster_encrypts_secrets,
    cluster_version_is_supported,
    cluster_access_is_by_entries,
    no_aws_auth_map,
    administrators_are_named_roles,
    administration_is_for_named_roles,
    launch_templates_ask_for_tokens,
    karpenter_nodes_ask_for_tokens,
    node_groups_have_a_launch_template,
    karpenter_disks_are_encrypted,
    launch_template_disks_are_encrypted,
    node_groups_take_no_ssh,
    nodes_have_no_public_address,
    subnets_give_no_public_addresses,
    nothing_is_open_to_the_world,
    guardduty_watches_the_cluster,
)
