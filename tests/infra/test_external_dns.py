"""external-dns: one host of one zone, also where the zone is the host's parent."""

from infra.external_dns import ExternalDnsArgs, external_dns_values

VALUES = external_dns_values(
    ExternalDnsArgs(hostname="predict.example.com", zone_id="Z1", owner="shop", role_arn="arn", region="us-west-2")
)


def test_only_the_host_of_the_zone_is_written() -> None:
    assert VALUES["domainFilters"] == ["predict.example.com"]
    assert "--zone-id-filter=Z1" in VALUES["extraArgs"]


def test_the_zone_of_the_parent_is_not_filtered_away() -> None:
    assert "--aws-zone-match-parent" in VALUES["extraArgs"]
