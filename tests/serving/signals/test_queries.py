"""Every query is PromQL that Prometheus takes, on the twin and on the cluster, and names what is scraped there."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.observability.args import ObservabilityArgs
from infra.observability.monitors import monitor_spec, monitors
from infra.release.endpoint_route import SCRAPE_S, pod_monitor_spec
from infra.release.names import predictor
from infra.release.scaling import request_rate_query
from serving.signals import names, queries
from serving.signals.targets import ClusterTarget, Selector, Target, TwinTarget
from tests.serving.promtool import promtool

TWIN = TwinTarget(endpoint="churn")
SERVICES = {version: predictor(f"churn-{version}-1a2b3c4d-5e6f") for version in ("v1", "v2")}
CLUSTER = ClusterTarget(endpoint="churn", services=SERVICES, namespace="models")
SIGNALS: dict[str, Callable[[Target], str]] = {
    "requests:rate": lambda target: queries.request_rate(target, "v2", 60),
    "errors:rate": lambda target: queries.error_rate(target, "v2", 60),
    "errors:share": lambda target: queries.error_share(target, "v2", 60),
    "traffic:share": lambda target: queries.traffic_share(target, "v2", ("v1",), 60),
    "latency:p99": lambda target: queries.latency_quantile(target, "v2", 0.99, 60),
    "failures:rate": lambda target: queries.model_failure_rate(target, "v2", 60),
    "queue:mean": lambda target: queries.model_queue_us(target, "v2", 60),
    "compute:mean": lambda target: queries.model_compute_us(target, "v2", 60),
    "pending:sum": lambda target: queries.model_pending(target, "v2"),
    # A rule cannot hold raw samples; counting them takes the same text.
    "requests:samples": lambda target: f"count_over_time({queries.counted_requests(target, 'v2', 12.3456)})",
    "latency:samples": lambda target: f"count_over_time({queries.counted_latency(target, 'v2', 60)})",
    "scores:samples": lambda target: f"count_over_time({queries.counted_scores(target, 'v2', 60)})",
    "scrapes:samples": lambda target: f"count_over_time({queries.model_scrapes(target, 'v2', 60)})",
    "uptime:samples": lambda target: f"count_over_time({queries.gateway_uptime(target, 60)})",
}
PAIRS = {
    "pairs:samples": f"count_over_time({queries.counted_pairs(TWIN, 'v1', 'v2', 60)})",
    "comparer:samples": f"count_over_time({queries.comparer_scrapes(TWIN, 60)})",
}
"""What only the twin compares."""
EXPRESSIONS = {
    "twin": {**{name: signal(TWIN) for name, signal in SIGNALS.items()}, **PAIRS},
    "cluster": {name: signal(CLUSTER) for name, signal in SIGNALS.items()},
}


def test_every_query_is_here() -> None:
    public = [name for name, value in vars(queries).items() if callable(value) and value.__module__ == queries.__name__]
    assert len([name for name in public if not name.startswith("_")]) == len(EXPRESSIONS["twin"])


@pytest.mark.parametrize("place", EXPRESSIONS)
def test_prometheus_takes_every_query(place: str, tmp_path: Path) -> None:
    expressions = EXPRESSIONS[place]
    rules = [{"record": name, "expr": expression} for name, expression in expressions.items()]
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"groups": [{"name": "signals", "rules": rules}]}))
    said = promtool("check", "rules", str(file))
    assert f"SUCCESS: {len(expressions)} rules found" in said.stdout + said.stderr


def test_promtool_finds_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"groups": [{"name": "signals", "rules": [{"record": "a", "expr": "sum(rate("}]}]}))
    with pytest.raises(subprocess.CalledProcessError):
        promtool("check", "rules", str(file))


@pytest.mark.parametrize("target", [TWIN, CLUSTER], ids=["twin", "cluster"])
def test_rates_and_shares_are_those_of_the_right_series(target: Target, tmp_path: Path) -> None:
    """Of v2 two of twelve answers a minute are errors, v1 gives 48; what others count under like labels is left out."""
    tests = {
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": _counters(target),
                "promql_expr_test": [
                    _expect(queries.request_rate(target, "v2", 300), 12 / 60),
                    _expect(queries.error_share(target, "v2", 300), 2 / 12),
                    _expect(queries.error_share(target, "v1", 300), 0),
                    _expect(queries.traffic_share(target, "v2", ("v1",), 300), 12 / 60),
                    _expect(queries.latency_quantile(target, "v2", 0.5, 300), 7.5),
                ],
            }
        ],
    }
    file = tmp_path / "tests.json"
    file.write_text(json.dumps(tests))
    promtool("test", "rules", str(file))


def _counters(target: Target) -> list[dict[str, Any]]:
    """Growth in a scrape of 15 s."""

    def one(selector: Selector, per_scrape: float, **labels: str) -> dict[str, Any]:
        told = {**selector.labels, "instance": "a", **labels}
        text = Selector(metric=selector.metric, labels=told)
        return {"series": str(text), "values": f"0+{per_scrape:g}x80"}

    code, v1, v2 = target.code_label, target.requests("v1"), target.requests("v2")
    bucket = target.latency("v2").with_suffix("_bucket")
    foreign = [one(v2, 1000, **{code: "200", label: "another"}) for label in v2.labels]
    return [
        one(v1, 12, **{code: "200"}),
        one(v2, 2, **{code: "200"}),
        one(v2, 0.5, **{code: "200"}, instance="b"),
        one(v2, 0.25, **{code: "503"}),
        one(v2, 0.25, **{code: "504"}),
        one(bucket, 0, le="5"),
        one(bucket, 3, le="10"),
        one(bucket, 3, le="+Inf"),
        *foreign,
    ]


def _expect(query: str, value: float) -> dict[str, Any]:
    # Rounded, since rates come with the error of floating point.
    return {"expr": f"round({query}, 0.0001)", "eval_time": "15m", "exp_samples": [
        {"labels": "{}", "value": round(value, 4)}
    ]}  # fmt: skip


def test_labels_are_quoted() -> None:
    assert str(Selector(metric="m", labels={"a": 'x"\\\n'})) == 'm{a="x\\"\\\\\\n"}'


def test_the_gateway_of_a_cluster_is_told_as_its_autoscaler_tells_it() -> None:
    scaled = request_rate_query("churn-v2-1a2b3c4d-5e6f", CLUSTER.gateway_namespace)
    labels = CLUSTER.requests("v2").labels
    assert isinstance(scaled, str)
    assert f'{names.ISTIO_REQUESTS}{{reporter="{labels["reporter"]}"' in scaled
    assert f'destination_service_name="{labels["destination_service_name"]}"' in scaled
    assert f'namespace="{CLUSTER.uptime().labels["namespace"]}"' in scaled


def test_what_is_read_of_a_cluster_is_kept_by_its_scrapes() -> None:
    args = ObservabilityArgs(retention_days=7, storage_gib=20, serving_namespace="models")
    gateway = next(each for each in monitors(args) if each.name == "gateway")
    assert gateway.namespace == CLUSTER.gateway_namespace
    (kept,) = monitor_spec(gateway)["podMetricsEndpoints"][0]["metricRelabelings"]
    for metric in (names.ISTIO_REQUESTS, f"{names.ISTIO_LATENCY_MS}_bucket", names.ENVOY_UPTIME_S):
        assert kept["action"] == "keep"
        assert re.fullmatch(kept["regex"], metric)


def test_models_bear_the_same_labels_on_the_twin_and_on_a_cluster() -> None:
    (endpoint,) = pod_monitor_spec("churn")["podMetricsEndpoints"]
    assert {each["targetLabel"] for each in endpoint["relabelings"]} == {names.MODEL_ENDPOINT, names.MODEL_VERSION}
    assert CLUSTER.scrape_interval_s == SCRAPE_S
    assert CLUSTER.model("m", "v1") == TWIN.model("m", "v1")


def test_a_version_without_a_service_is_our_mistake() -> None:
    with pytest.raises(AssertionError, match=r"no service of v9 \(known: v1, v2\)"):
        CLUSTER.requests("v9")
