"""Where models run: what they may reach, and as whom."""

from infra.kserve.serving_namespace import account_annotations, storage_spec
from tests.infra.in_cluster import body, captured, role, serving_args


def test_the_account_is_the_roles_and_has_no_token_of_the_api() -> None:
    run = captured()
    account = body(run.one("kubernetes:core/v1:ServiceAccount", "serving-account"))
    assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == role("predictor")
    assert account["automountServiceAccountToken"] is False


def test_kserve_is_told_of_the_region() -> None:
    annotations = account_annotations(serving_args())
    assert annotations["serving.kserve.io/s3-endpoint"] == "s3.us-west-2.amazonaws.com"
    assert annotations["serving.kserve.io/s3-usehttps"] == "1"
    assert annotations["serving.kserve.io/s3-useanoncredential"] == "false"


def test_models_reach_storage_and_nothing_else() -> None:
    spec = storage_spec("eu-central-1")
    assert spec["hosts"] == [
        "s3.eu-central-1.amazonaws.com",
        "*.s3.eu-central-1.amazonaws.com",
        "sts.eu-central-1.amazonaws.com",
    ]
    assert spec["exportTo"] == ["."]
    sidecar = body(captured().one("kubernetes:networking.istio.io/v1:Sidecar"))
    assert sidecar["spec"]["outboundTrafficPolicy"] == {"mode": "REGISTRY_ONLY"}


def test_pods_are_reached_by_the_gateway_and_prometheus_only() -> None:
    policies = captured().of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    specs = [body(found)["spec"] for found in policies if body(found)["metadata"]["namespace"] == "models"]
    inward = {
        (port["port"], peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"])
        for spec in specs
        for rule in spec.get("ingress", [])
        for port in rule["ports"]
        for peer in rule["from"]
    }
    assert inward == {(8080, "istio-ingress"), (8002, "monitoring"), (15090, "monitoring")}
    outward = {port["port"] for spec in specs for rule in spec.get("egress", []) for port in rule["ports"]}
    assert outward == {53, 443, 15012}
