"""Envoy's configuration as values: weights, versions of answers, and what Envoy itself says to it."""

import json
import subprocess
from pathlib import Path

from serving.twin.envoy import Breaker, Upstream, bootstrap, clusters, secrets
from serving.twin.envoy_listener import Gateway
from serving.twin.envoy_routes import routes
from serving.twin.envoy_tokens import token_rules
from serving.twin.paths import TwinPaths, find_envoy
from serving.twin.routing import Copies, EntityRule, HeaderRule, Patience, Routing
from serving.twin.tokens import create_issuer

EVERYTHING = Routing(
    model_name="churn",
    weights={"v1": 80, "v2": 15, "v0": 5},
    patience=Patience(total_s=5),
    candidate="v2",
    rules=(
        HeaderRule(header="x-team", value="qa", version="v2", role="tester"),
        EntityRule(header="x-stillhouse-entity", salt="a \\ b"),
    ),
    shadow=Copies(version="v3", percent=50),
)


def test_every_version_has_a_cluster_for_chance_and_one_for_choice() -> None:
    found = clusters([Upstream(version="v1", port=1), Upstream(version="v2", port=2)], model_name="churn")
    ports = {
        one["name"]: one["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"][
            "port_value"
        ]
        for one in found["resources"]
    }
    assert ports == {"v1": 1, "v1_chosen": 1, "v2": 2, "v2_chosen": 2}


def test_only_failures_to_reach_a_version_take_it_out() -> None:
    (one, _) = clusters([Upstream(version="v1", port=1)], model_name="churn", breaker=Breaker(eject_after=7))[
        "resources"
    ]
    enforced = {
        name: share for name, share in one["outlier_detection"].items() if name.startswith("enforcing") and share
    }
    assert enforced == {"enforcing_consecutive_local_origin_failure": 100}
    assert one["outlier_detection"]["consecutive_local_origin_failure"] == 7


def test_everything_listens_on_loopback_only(tmp_path: Path) -> None:
    text = json.dumps(
        [
            bootstrap(TwinPaths(folder=tmp_path), gateway_in(tmp_path), admin_port=0, buckets_ms=(1, 100)),
            clusters([Upstream(version="v1", port=1)], model_name="churn", comparer_port=2),
        ]
    )
    assert text.count('"address": "127.0.0.1"') == text.count('"port_value"') == 5


def test_envoy_accepts_all_of_it(tmp_path: Path) -> None:
    paths = TwinPaths(folder=tmp_path)
    issuer = create_issuer(tmp_path)
    (tmp_path / "bootstrap.json").write_text(
        json.dumps(bootstrap(paths, gateway_in(tmp_path), admin_port=0, buckets_ms=(1, 100)))
    )
    for kind, answer in {
        "cds": clusters([Upstream(version="v1", port=1)], model_name="churn", comparer_port=2),
        "rds": routes(EVERYTHING),
        "sds": secrets(paths.certificates),
        "ecds": token_rules(issuer.jwks()),
    }.items():
        (paths.xds / kind).mkdir(parents=True)
        (paths.xds / kind / f"{kind}.json").write_text(json.dumps(answer))
    command = [find_envoy(), "--mode", "validate", "--disable-hot-restart", "-c", tmp_path / "bootstrap.json"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr.lower()


def gateway_in(folder: Path) -> Gateway:
    return Gateway(
        port=0,
        xds=folder / "xds",
        access_log=folder / "access.jsonl",
        model_name="churn",
        fallback_score=0.25,
    )
