"""KServe's values: Standard mode said aloud, no ingress of its own, a downloader that restricted namespaces take."""

from infra.kserve.controller import KServeArgs, kserve_values
from tests.infra.in_cluster import captured

VALUES = kserve_values(KServeArgs(region="us-west-2"))["kserve"]
RELEASE = "kubernetes:helm.sh/v3:Release"


def test_standard_mode_and_our_own_routes() -> None:
    assert VALUES["controller"]["deploymentMode"] == "Standard"
    assert VALUES["controller"]["gateway"]["disableIngressCreation"] is True
    assert VALUES["controller"]["gateway"]["ingressGateway"] == {"enableGatewayApi": False, "createGateway": False}


def test_prometheus_is_not_sent_to_a_port_that_triton_lacks() -> None:
    assert VALUES["metricsaggregator"]["enablePrometheusScraping"] == "false"


def test_the_downloader_is_restricted_and_bounded() -> None:
    context = VALUES["storage"]["containerSecurityContext"]
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert VALUES["storage"]["resources"]["limits"]["memory"] == "4096Mi"


def test_crds_outlive_the_platform_and_the_controller_does_not() -> None:
    run = captured()
    assert run.one(RELEASE, "kserve-crds").options.retain_on_delete
    assert not run.one(RELEASE, "kserve-controller").options.retain_on_delete
