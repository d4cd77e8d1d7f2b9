"""Whether the system pods' requests fit on the system nodes, also when one node is lost.

Requests and the nodes' allocatable amounts in, a placement out: what does not fit would stay Pending in the cluster.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from infra.nodes.instance_types import instance_type
from infra.pods import PodRequests
from model.errors import UserError

INTERFACES: dict[str, tuple[int, int]] = {
    "m5.large": (3, 10),
    "m5.xlarge": (4, 15),
    "m5.2xlarge": (4, 15),
    "m5.4xlarge": (8, 30),
    "m6i.large": (3, 10),
    "m6i.xlarge": (4, 15),
    "m6i.2xlarge": (4, 15),
    "m6i.4xlarge": (8, 30),
    "m7i.large": (3, 10),
    "m7i.xlarge": (4, 15),
    "m7i.2xlarge": (4, 15),
    "m7i.4xlarge": (8, 30),
}
"""EC2 type -> (network interfaces, addresses on each), from EC2's table of interfaces (2026-11)."""

MEMORY_OVERHEAD = 0.075
"""Share of the memory that the machine itself keeps, as Karpenter assumes by default."""
EVICTION_MIB = 100
"""Memory below which the kubelet evicts pods."""

MANAGED_ADD_ONS: tuple[PodRequests, ...] = (
    PodRequests(name="aws-node", cpu_millicores=50, memory_mib=0, per_node=True),
    PodRequests(name="kube-proxy", cpu_millicores=100, memory_mib=0, per_node=True),
    PodRequests(name="ebs-csi-node", cpu_millicores=30, memory_mib=120, per_node=True),
    PodRequests(name="ebs-csi-controller", cpu_millicores=60, memory_mib=240, count=2),
    PodRequests(name="coredns", cpu_millicores=100, memory_mib=70, count=2),
    PodRequests(name="metrics-server", cpu_millicores=100, memory_mib=200, count=2),
)
"""What EKS's add-ons request by default: the defaults of their charts (2026-11)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """What pods may request of one node."""

    cpu_millicores: float
    memory_mib: float
    pods: int

    def holds(self, pod: PodRequests) -> bool:
        """Whether one more pod fits."""
        return self.pods >= 1 and self.cpu_millicores >= pod.cpu_millicores and self.memory_mib >= pod.memory_mib

    def less(self, pod: PodRequests) -> "Room":
        """What is left after one more pod."""
        return Room(
            cpu_millicores=self.cpu_millicores - pod.cpu_millicores,
            memory_mib=self.memory_mib - pod.memory_mib,
            pods=self.pods - 1,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Where pods went on some nodes."""

    nodes: tuple[tuple[str, ...], ...]
    """Names of the pods on each node, with a number where a workload has several."""
    left_over: tuple[str, ...]
    """Pods that found no room."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """How the system pods fill the system nodes."""

    node_type: str
    num_nodes: int
    allocatable: Room
    """Of one node."""
    requested: Room
    """Of all pods together, on all nodes."""
    full: Placement
    one_lost: Placement

    @property
    def fits(self) -> bool:
        """Whether every pod finds room."""
        return not self.full.left_over

    @property
    def survives(self) -> bool:
        """Whether every pod still finds room with one node lost."""
        return not self.one_lost.left_over


def allocatable(type_name: str) -> Room:
    """What EKS's AL2023 image leaves for pods: capacity less what the kubelet reserves and what it evicts at.

    Raises:
        UserError: a type whose interfaces are not in the table.
    """
    if type_name not in INTERFACES:
        raise UserError(
            f"no table of network interfaces for system nodes (got {type_name}); known are {', '.join(INTERFACES)}",
            hint="choose one of them, or add the type to stacks/fit.py",
        )
    interfaces, addresses = INTERFACES[type_name]
    max_pods = interfaces * (addresses - 1) + 2
    node = instance_type(type_name)
    reserved_mib = 255 + 11 * max_pods
    return Room(
        cpu_millicores=1000 * node.vcpus - _reserved_millicores(node.vcpus),
        memory_mib=1024 * node.memory_gib * (1 - MEMORY_OVERHEAD) - reserved_mib - EVICTION_MIB,
        pods=max_pods,
    )


def fit(workloads: Sequence[PodRequests], *, type_name: str, num_nodes: int) -> Fit:
    """Place every pod on the system nodes, and again on one node fewer."""
    room = allocatable(type_name)
    pods = [*workloads, *MANAGED_ADD_ONS]
    spread = [replace(pod, count=pod.count * num_nodes if pod.per_node else pod.count) for pod in pods]
    requested = Room(
        cpu_millicores=sum(pod.cpu_millicores * pod.count for pod in spread),
        memory_mib=sum(pod.memory_mib * pod.count for pod in spread),
        pods=sum(pod.count for pod in spread),
    )
    return Fit(
        node_type=type_name,
        num_nodes=num_nodes,
        allocatable=room,
        requested=requested,
        full=place(pods, room, num_nodes),
        one_lost=place(pods, room, num_nodes - 1),
    )


def place(pods: Sequence[PodRequests], room: Room, num_nodes: int) -> Placement:
    """First fit, largest first: what it places does fit; what it leaves over might fit in another order.

    Pods of every node come first, and a workload's own pods go to different nodes as long as that is possible.
    """
    rooms = [room] * num_nodes
    names: list[list[str]] = [[] for _ in range(num_nodes)]
    left_over: list[str] = []
    for pod in sorted(pods, key=lambda pod: (not pod.per_node, -_share(pod, room), pod.name)):
        for number in range(pod.count * (num_nodes if pod.per_node else 1)):
            name = f"{pod.name}-{number}" if pod.count > 1 or pod.per_node else pod.name
            chosen = number % num_nodes if pod.per_node and num_nodes else _emptiest(rooms, names, pod)
            if chosen is None or not rooms[chosen].holds(pod):
                left_over.append(name)
                continue
            rooms[chosen] = rooms[chosen].less(pod)
            names[chosen].append(name)
    return Placement(nodes=tuple(tuple(node) for node in names), left_over=tuple(left_over))


def _emptiest(rooms: Sequence[Room], names: Sequence[Sequence[str]], pod: PodRequests) -> int | None:
    """The node with room that has fewest pods of the workload, then the fullest such node."""
    fitting = [node for node, room in enumerate(rooms) if room.holds(pod)]
    if not fitting:
        return None

    def order(node: int) -> tuple[int, float]:
        same = sum(name.rpartition("-")[0] == pod.name for name in names[node])
        return same, rooms[node].cpu_millicores + rooms[node].memory_mib

    return min(fitting, key=order)


def _share(pod: PodRequests, room: Room) -> float:
    return max(pod.cpu_millicores / room.cpu_millicores, pod.memory_mib / room.memory_mib)


def _reserved_millicores(vcpus: int) -> float:
    """The kubelet's share: 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest."""
    shares = [60.0, 10.0, 5.0, 5.0]
    return sum(shares[:vcpus]) + 2.5 * max(0, vcpus - len(shares))
