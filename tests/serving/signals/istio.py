"""A gateway of a mesh as far as Prometheus sees it: Istio's series in Envoy's text, over HTTP."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from infra.mesh.values import histogram_buckets
from serving.signals import names
from serving.signals.targets import Selector

Labels = tuple[tuple[str, str], ...]


@dataclass(kw_only=True)
class FakeGateway:
    """Counts what it is told to have answered."""

    latency_goal_ms: int = 100
    began_s: float = field(default_factory=time.time)
    requests: Counter[Labels] = field(default_factory=Counter)
    buckets: Counter[Labels] = field(default_factory=Counter)

    def answer(self, service: str, code: str, latency_ms: float, *, times: int = 1, **labels: str) -> None:
        """Count answers of a service; further labels are those of another reporter or namespace."""
        common = {
            names.ISTIO_REPORTER: "source",
            names.ISTIO_FROM_NAMESPACE: "istio-ingress",
            names.ISTIO_ARM_NAMESPACE: "models",
            names.ISTIO_ARM: service,
            "response_flags": "UT" if code == "504" else "-",
            names.ISTIO_CODE: code,
            **labels,
        }
        self.requests[tuple(common.items())] += times
        for bound in (*histogram_buckets(self.latency_goal_ms), float("inf")):
            text = "+Inf" if bound == float("inf") else f"{bound:g}"
            self.buckets[(*common.items(), (names.BUCKET_LE, text))] += times * (latency_ms <= bound)

    def restart(self) -> None:
        """Begin anew."""
        self.began_s = time.time()
        self.requests.clear()
        self.buckets.clear()

    def text(self) -> str:
        """What a scrape gets."""
        lines = [
            f"# TYPE {names.ENVOY_UPTIME_S} gauge",
            f"{names.ENVOY_UPTIME_S}{{}} {int(time.time() - self.began_s)}",
        ]
        lines += _lines(names.ISTIO_REQUESTS, "counter", names.ISTIO_REQUESTS, dict(self.requests))
        lines += _lines(names.ISTIO_LATENCY_MS, "histogram", f"{names.ISTIO_LATENCY_MS}_bucket", dict(self.buckets))
        return "\n".join([*lines, ""])


def _lines(family: str, kind: str, metric: str, counts: Mapping[Labels, int]) -> list[str]:
    told = [f"{Selector(metric=metric, labels=dict(labels))} {count}" for labels, count in counts.items()]
    return [f"# TYPE {family} {kind}", *told] if told else []


@contextmanager
def scraped_at(gateway: FakeGateway) -> Iterator[int]:
    """The port of loopback at which the gateway can be scraped."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/plain; charset=UTF-8")
            self.end_headers()
            self.wfile.write(gateway.text().encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
