"""Every way a question can end, over a real connection; the answers are what a Prometheus sends in that case."""

import json
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from serving.prometheus import Prometheus, Sample, Series
from serving.signals.no_answer import NoData, Refused, Unreachable

ERROR = {"status": "error", "errorType": "bad_data", "error": "1:3: parse error: unexpected end of input"}


def success(kind: str, result: Sequence[object]) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}}).encode()


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[Prometheus, list[dict[str, list[str]]]]]:
    """A server that always says the same, and what it was asked."""
    asked: list[dict[str, list[str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/api/v1/query"
            asked.append(parse_qs(self.rfile.read(int(self.headers["content-length"])).decode()))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Prometheus(url=f"http://127.0.0.1:{server.server_port}"), asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_vector_becomes_samples_at_the_time_that_was_asked_for() -> None:
    result = [
        {"metric": {"code": "200"}, "value": [1000.5, "7"]},
        {"metric": {"code": "500"}, "value": [1000.5, "NaN"]},
    ]
    with answering(200, success("vector", result)) as (prometheus, asked):
        found = prometheus.samples("requests", at_s=1000.5)
    assert isinstance(found, tuple)
    assert found[0] == Sample(labels={"code": "200"}, time_s=1000.5, value=7)
    assert found[1].value != found[1].value
    assert (asked[0]["query"], asked[0]["time"]) == (["requests"], ["1000.500"])


def test_a_matrix_becomes_series_and_a_scalar_one_sample() -> None:
    matrix: list[object] = [{"metric": {"code": "200"}, "values": [[1, "2"], [2, "4"]]}]
    with answering(200, success("matrix", matrix)) as (prometheus, _):
        assert prometheus.series("requests[2s]", at_s=2) == (
            Series(labels={"code": "200"}, times_s=(1, 2), values=(2, 4)),
        )
    with answering(200, success("scalar", [3, "1.5"])) as (prometheus, _):
        assert prometheus.samples("scalar(x)", at_s=3) == (Sample(labels={}, time_s=3, value=1.5),)


@pytest.mark.parametrize(
    ("status", "body", "named", "words"),
    [
        (200, success("matrix", []), NoData, "`q` has no series"),
        (200, success("matrix", [{"metric": {}, "values": [[1, "NaN"]]}]), Refused, "no number"),
        (200, success("vector", []), Refused, "is a vector; allowed is matrix"),
        (400, json.dumps(ERROR).encode(), Refused, "bad_data: 1:3: parse error"),
        (422, json.dumps({"status": "error", "errorType": "execution", "error": "too many samples"}).encode(), Refused,
         "too many samples"),
        (503, b"Service Unavailable", Unreachable, r"not ready, or too slow \(503\)"),
        (200, b"<html>a login page</html>", Unreachable, "no Prometheus.*login page"),
        (200, b"[]", Unreachable, "no Prometheus"),
        (200, b'{"status": "success", "data": {"resultType": "matrix"}}', Unreachable, "no Prometheus"),
        (200, success("matrix", [{"metric": {}, "values": [["now", "1"]]}]), Unreachable, "no Prometheus"),
    ],
)  # fmt: skip
def test_whatever_is_no_number_has_a_name(status: int, body: bytes, named: type, words: str) -> None:
    with answering(status, body) as (prometheus, _):
        found = prometheus.series("q", at_s=1)
    assert isinstance(found, named)
    assert not isinstance(found, tuple)
    assert re.search(words, found.reason)


def test_nobody_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = Prometheus(url=f"http://127.0.0.1:{port}").series("q", at_s=1)
    assert isinstance(found, Unreachable)
    assert "refused" in found.reason


def test_somebody_who_never_answers_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = Prometheus(url=f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.2).samples("q", at_s=1)
    assert isinstance(found, Unreachable)
    assert "ReadTimeout" in found.reason
