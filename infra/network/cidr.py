"""Cuts a VPC's range into subnets: for each zone a large private one for nodes and pods, and a small public one.

Under the VPC CNI every pod has an address of its own subnet, so the private subnets get all that the public ones leave.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network

MAX_ZONES = 4
RESERVED_ADDRESSES = 5
"""Addresses of every subnet that AWS keeps: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html."""
SMALLEST_PREFIX = 20
"""A /20 over three zones leaves 1,024 addresses in each private subnet: about 17 full m5.2xlarge nodes a zone."""
LARGEST_PREFIX = 16
"""AWS accepts no larger VPC."""
PUBLIC_SHARE_BITS = 8
"""A public subnet is 1/256 of the VPC, but never smaller than a /28; it holds a NAT gateway and little else."""
SMALLEST_SUBNET_PREFIX = 28
WIDEST_CALLERS = 8
"""No range of callers is wider than 10.0.0.0/8; a few wide ones together would be the whole internet."""
PRIVATE = tuple(IPv4Network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
"""RFC 1918: no packet from the internet comes from them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SubnetPlan:
    """Ranges that neither overlap nor leave the VPC's; position is the zone's."""

    vpc: IPv4Network
    private: tuple[IPv4Network, ...]
    public: tuple[IPv4Network, ...]

    @property
    def pod_addresses(self) -> int:
        """Addresses for nodes and pods over all zones."""
        return sum(subnet.num_addresses - RESERVED_ADDRESSES for subnet in self.private)


def plan_subnets(cidr: str, num_zones: int) -> SubnetPlan:
    """A VPC's range -> one private and one public subnet for each zone.

    The range is halved until there is a part for every zone and one to spare; the spare one holds the public subnets.

    Raises:
        ValueError: not a private IPv4 network of /16 to /20, or not 2 to 4 zones.
    """
    vpc = _vpc(cidr)
    if not 2 <= num_zones <= MAX_ZONES:
        raise ValueError(f"zones: (got {num_zones}); allowed are 2 to {MAX_ZONES}, as EKS needs two")
    private_bits = num_zones.bit_length()
    *private, spare = list(vpc.subnets(prefixlen_diff=private_bits))[: num_zones + 1]
    public_prefix = min(vpc.prefixlen + PUBLIC_SHARE_BITS, SMALLEST_SUBNET_PREFIX)
    public = list(spare.subnets(new_prefix=public_prefix))[:num_zones]
    return SubnetPlan(vpc=vpc, private=tuple(private), public=tuple(public))


def check_callers(cidr: str, *, from_internet: bool) -> None:
    """Refuses a range that callers cannot come from, or that is much of the internet.

    Raises:
        ValueError: no network in its canonical form, too wide, or private where callers come from the internet.
    """
    try:
        network = IPv4Network(cidr)
    except ValueError as error:
        raise ValueError(f"{error} (got {cidr!r}); allowed is a network such as 198.51.100.0/24") from error
    if network.prefixlen < WIDEST_CALLERS:
        raise ValueError(f"(got {cidr}); allowed are ranges of /{WIDEST_CALLERS} or narrower, never the whole internet")
    if from_internet and any(network.subnet_of(private) for private in PRIVATE):
        raise ValueError(f"(got {cidr}, a private range); allowed are public ranges, a private one reaches from inside")


def _vpc(cidr: str) -> IPv4Network:
    try:
        vpc = IPv4Network(cidr)
    except ValueError as error:
        raise ValueError(f"cidr: {error} (got {cidr!r}); allowed is a network such as 10.0.0.0/16") from error
    if not LARGEST_PREFIX <= vpc.prefixlen <= SMALLEST_PREFIX:
        raise ValueError(f"cidr: (got /{vpc.prefixlen}); allowed are /{LARGEST_PREFIX} to /{SMALLEST_PREFIX}")
    if not vpc.is_private:
        raise ValueError(f"cidr: (got {cidr}); allowed are private ranges, e.g. 10.0.0.0/16")
    return vpc
