"""external-dns, when asked for: keeps the gateway's record in one Route 53 zone."""

from dataclasses import dataclass
from typing import Any

import pulumi

from infra import versions
from infra.chart import release_in_namespace
from infra.namespaces import NamespaceArgs
from infra.network_rules import dns, to_https
from infra.pods import PodRequests, Resources, pods
from infra.versions import Chart

NAMESPACE = "external-dns"
SERVICE_ACCOUNT = "external-dns"
"""What the role's trust policy names, with the namespace."""

_RESOURCES = Resources(cpu_millicores=10, memory_mib=64)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalDnsArgs:
    """Which records it may write."""

    hostname: str
    """The only name that it manages."""
    zone_id: str
    """Route 53 zone that holds the name."""
    owner: pulumi.Input[str]
    """Written beside every record, so that two clusters never fight over one: the cluster's name."""
    role_arn: pulumi.Input[str]
    """IRSA role whose trust names `NAMESPACE` and `SERVICE_ACCOUNT`."""
    region: pulumi.Input[str]
    resources: Resources = _RESOURCES
    chart: Chart = versions.EXTERNAL_DNS

    def requests(self) -> tuple[PodRequests, ...]:
        """What its pod asks of the system nodes."""
        return (pods("external-dns", self.resources),)


class ExternalDns(pulumi.ComponentResource):
    """One pod in a namespace of its own."""

    namespace: pulumi.Output[str]
    release: pulumi.Resource

    def __init__(self, name: str, args: ExternalDnsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:external_dns:ExternalDns", name, None, opts)
        namespace = NamespaceArgs(namespace=NAMESPACE, allow=(dns(), to_https()))
        self.namespace, self.release = release_in_namespace(
            self, name, args.chart, namespace=namespace, values=external_dns_values(args)
        )
        self.register_outputs({"namespace": self.namespace})


def external_dns_values(args: ExternalDnsArgs) -> dict[str, Any]:
    """The chart's values."""
    return {
        "provider": {"name": "aws"},
        "sources": ["service"],
        "policy": "sync",
        "registry": "txt",
        "txtOwnerId": args.owner,
        "domainFilters": [args.hostname],
        # The filter names a host, which also has to let its parent's zone through.
        "extraArgs": [f"--zone-id-filter={args.zone_id}", "--aws-zone-match-parent", "--aws-zone-type="],
        "env": [{"name": "AWS_DEFAULT_REGION", "value": args.region}],
        "resources": args.resources.values(),
        "serviceAccount": {
            "create": True,
            "name": SERVICE_ACCOUNT,
            "annotations": {"eks.amazonaws.com/role-arn": args.role_arn},
        },
    }
