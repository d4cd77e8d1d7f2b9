"""KServe's real controller with its webhooks, as the platform's chart configures them."""

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from serving.twin.process import free_ports
from tests.cluster.api import Api, Key, Object, key_of
from tests.cluster.child import answers, running
from tests.cluster.control_plane import ControlPlane, program_path
from tests.serving.waiting import wait_for

CHART = "kserve-resources"
NAMESPACE = "kserve"
AUTOSCALER_CLASS = "serving.kserve.io/autoscalerClass"
READY_SECONDS = 60
DEPLOYED_SECONDS = 60


@contextmanager
def kserve(plane: ControlPlane, webhooks: Sequence[Object]) -> Iterator[None]:
    """Start the controller, and let the API server ask it what its webhooks would be asked; both end with the block.

    Args:
        plane: where the chart's other objects are already, with the configuration that the controller reads.
        webhooks: the chart's webhook configurations, which name a Service that has no pods here.
    """
    folder = plane.folder / "kserve"
    # Where controller-runtime looks for the certificate when it is told nothing.
    certificates = folder / "k8s-webhook-server/serving-certs"
    certificates.mkdir(parents=True, exist_ok=True)
    server = plane.authority.issue_cert("127.0.0.1")
    server.cert_chain_pems[0].write_to_path(str(certificates / "tls.crt"))
    server.private_key_pem.write_to_path(str(certificates / "tls.key"))
    port, probe = free_ports(2)
    command = [
        str(program_path("kserve")),
        "--metrics-addr=0",
        f"--health-probe-addr=127.0.0.1:{probe}",
        f"--webhook-port={port}",
    ]
    environment = {"KUBECONFIG": str(plane.kubeconfig()), "POD_NAMESPACE": NAMESPACE, "TMPDIR": str(folder)}
    with running("kserve", command, folder=plane.folder, environment=environment) as controller:
        controller.wait_until(
            lambda: answers(f"http://127.0.0.1:{probe}/readyz"), within_s=READY_SECONDS, what="KServe's readiness"
        )
        told = [
            answered_at(webhook, f"https://127.0.0.1:{port}", plane.authority.cert_pem.bytes()) for webhook in webhooks
        ]
        for webhook in told:
            plane.api.apply(webhook)
        try:
            yield
        finally:
            for webhook in told:
                plane.api.delete(key_of(webhook))


def answered_at(configuration: Object, url: str, authority: bytes) -> dict[str, Any]:
    """The webhook configuration with its Service replaced by an address."""
    changed: dict[str, Any] = json.loads(json.dumps(dict(configuration)))
    for webhook in changed["webhooks"]:
        path = webhook["clientConfig"]["service"]["path"]
        webhook["clientConfig"] = {"url": f"{url}{path}", "caBundle": base64.b64encode(authority).decode()}
    return changed


def wait_for_predictor(api: Api, key: Key) -> None:
    """Until the controller has made a Deployment of the InferenceService, and its pods were let in."""
    service = api.read(key)
    assert service is not None
    # KServe leaves the number of pods of such a service to the scaler, which begins with one.
    is_scaled_by_others = service["metadata"].get("annotations", {}).get(AUTOSCALER_CLASS) == "external"
    wanted = 1 if is_scaled_by_others else int(service["spec"]["predictor"].get("minReplicas", 1))

    def has_pods() -> bool:
        return len(api.list("v1", "Pod", key.namespace, pod_selector(key.name))) >= wanted

    try:
        wait_for(has_pods, within_s=DEPLOYED_SECONDS, what=f"{wanted} pods of {key}")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{_said(api, key)}") from None


def pod_selector(service: str) -> str:
    """Labels of the pods of an InferenceService."""
    return f"serving.kserve.io/inferenceservice={service}"


def _said(api: Api, key: Key) -> str:
    """What controllers said of anything that begins with the service's name."""
    events = api.list("v1", "Event", key.namespace)
    mine = [event for event in events if event["involvedObject"].get("name", "").startswith(key.name)]
    return "\n".join(f"{event['involvedObject']['kind']}: {event['reason']}: {event['message']}" for event in mine)
