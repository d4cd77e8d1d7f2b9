"""What makes nodes and puts pods on them: the scheduler, KWOK as every kubelet, and Karpenter over KWOK's machines."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.nodes.instance_types import InstanceType
from serving.twin.process import free_port, free_ports
from tests.cluster.api import Object
from tests.cluster.child import answers, running
from tests.cluster.control_plane import ControlPlane, program_path
from tools.modules import module_folder

NODE_CLASS: dict[str, Any] = {
    "apiVersion": "karpenter.kwok.sh/v1alpha1",
    "kind": "KWOKNodeClass",
    "metadata": {"name": "kwok"},
    "spec": {},
}
CONSOLIDATE_AFTER = "30s"
"""The least that the platform's settings allow, instead of the minutes that prod waits."""
STAGES = ("kustomize/stage/node/fast", "kustomize/stage/node/heartbeat-with-lease", "kustomize/stage/pod/fast")
"""What KWOK does with nodes and pods, in its own module: it makes both ready at once, and lets pods go."""
READY_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """An instance type that KWOK offers."""

    type: InstanceType
    zones: Sequence[str]
    capacity_types: Sequence[str]

    def offer(self) -> dict[str, Any]:
        """As in the file that Karpenter's KWOK provider reads. The price only has to be there."""
        resources = {"cpu": str(self.type.vcpus), "memory": f"{self.type.memory_gib}Gi", "ephemeral-storage": "100Gi"}
        gpus = {"nvidia.com/gpu": str(self.type.gpus)} if self.type.gpus else {}
        return {
            "name": self.type.name,
            "architecture": "amd64",
            "operatingSystems": ["linux"],
            "resources": resources | gpus,
            "offerings": [_offering(capacity, zone) for capacity in self.capacity_types for zone in self.zones],
        }


def _offering(capacity_type: str, zone: str) -> dict[str, Any]:
    wanted = {"karpenter.sh/capacity-type": capacity_type, "topology.kubernetes.io/zone": zone}
    requirements = [{"key": key, "operator": "In", "values": [value]} for key, value in wanted.items()]
    return {"Price": 1.0, "Available": True, "Requirements": requirements}


def on_kwok(pool: Object) -> dict[str, Any]:
    """The rendered NodePool with the only two things changed that KWOK, or the tier's time, needs otherwise.

    KWOK's machines have the names, cores, memory and accelerators of the EC2 types that the pool asks for; what the
    pool requires, taints, labels and limits stays as rendered.
    """
    changed: dict[str, Any] = json.loads(json.dumps(dict(pool)))
    template, disruption = changed["spec"]["template"]["spec"], changed["spec"]["disruption"]
    template["nodeClassRef"] = {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "kwok"}
    disruption["consolidateAfter"] = CONSOLIDATE_AFTER
    return changed


def machine_of(pool: Object, type_: InstanceType, zones: Sequence[str]) -> Machine:
    """The machine that the pool asks for, in every zone."""
    required = {item["key"]: item["values"] for item in pool["spec"]["template"]["spec"]["requirements"]}
    assert required["node.kubernetes.io/instance-type"] == [type_.name]
    return Machine(type=type_, zones=zones, capacity_types=required["karpenter.sh/capacity-type"])


@contextmanager
def node_makers(plane: ControlPlane, machines: Sequence[Machine]) -> Iterator[None]:
    """Start all three, until the block ends."""
    offers = plane.folder / "instance_types.json"
    offers.write_text(json.dumps([machine.offer() for machine in machines]))
    with ExitStack() as stack:
        scheduler = running("kube-scheduler", _scheduler(plane), folder=plane.folder)
        plane.children["kube-scheduler"] = stack.enter_context(scheduler)
        kwok_port = free_port()
        kwok = stack.enter_context(running("kwok", _kwok(plane, kwok_port), folder=plane.folder))
        plane.children["kwok"] = kwok
        kwok.wait_until(
            lambda: answers(f"http://127.0.0.1:{kwok_port}/healthz"), within_s=READY_SECONDS, what="KWOK's health"
        )
        plane.api.apply(NODE_CLASS)
        stack.enter_context(_karpenter(plane, offers))
        yield


@contextmanager
def _karpenter(plane: ControlPlane, offers: Path) -> Iterator[None]:
    probe, metrics = free_ports(2)
    environment = {
        "KUBECONFIG": str(plane.kubeconfig()),
        "DISABLE_LEADER_ELECTION": "true",
        "HEALTH_PROBE_PORT": str(probe),
        "METRICS_PORT": str(metrics),
        "INSTANCE_TYPES_FILE_PATH": str(offers),
    }
    with running(
        "karpenter", [str(program_path("karpenter"))], folder=plane.folder, environment=environment
    ) as karpenter:
        plane.children["karpenter"] = karpenter
        karpenter.wait_until(
            lambda: answers(f"http://127.0.0.1:{probe}/readyz"), within_s=READY_SECONDS, what="Karpenter's readiness"
        )
        yield


def _scheduler(plane: ControlPlane) -> list[str]:
    config = plane.kubeconfig("scheduler")
    return [
        str(program_path("kube-scheduler")),
        f"--kubeconfig={config}",
        f"--authentication-kubeconfig={config}",
        f"--authorization-kubeconfig={config}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={free_port()}",
    ]


def _kwok(plane: ControlPlane, port: int) -> list[str]:
    files = [file for place in STAGES for file in sorted((module_folder("sigs.k8s.io/kwok") / place).glob("*.yaml"))]
    stages = plane.folder / "stages.yaml"
    stages.write_text("\n---\n".join(text for file in files if "kind: Stage" in (text := file.read_text())))
    return [
        str(program_path("kwok")),
        f"--kubeconfig={plane.kubeconfig()}",
        f"--config={stages}",
        "--manage-all-nodes=false",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        "--node-lease-duration-seconds=40",
        f"--server-address=127.0.0.1:{port}",
    ]
