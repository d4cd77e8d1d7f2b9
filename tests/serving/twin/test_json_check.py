"""The gateway's check of bodies agrees with Python's parser, whatever the body, and lets other kinds of bodies pass."""

import json
from typing import NoReturn

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving.fake_repository import request_body
from tests.serving.stage import INFER, Stage

REFUSAL = "the body is not a JSON object"
TEXT = st.text()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
)
PIECES = st.sampled_from(
    [bytes([byte]) for byte in range(256)] + [b"\\u00e9", b"1.5e-7", b"null", b'"":', b"[]", b"\xed\xa0\x80"]
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """An object's text, or what is left of it once pieces were put in, put over others, or cut away."""
    value = draw(st.dictionaries(TEXT, VALUES, max_size=4) | VALUES)
    body = json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1]))).encode()
    for _ in range(draw(st.integers(0, 3))):
        at, length = draw(st.integers(0, len(body))), draw(st.integers(0, 3))
        body = body[:at] + draw(st.just(b"") | PIECES) + body[at + length :]
    return body


def is_object(body: bytes) -> bool:
    def refuse(word: str) -> NoReturn:
        raise ValueError(word)

    try:
        return isinstance(json.loads(body.decode(), parse_constant=refuse), dict)
    except (ValueError, RecursionError):
        return False


def refused(http: httpx.Client, body: bytes, **headers: str) -> bool:
    answer = http.post(INFER, content=body, headers=headers)
    return answer.status_code == 400 and answer.json().get("error") == REFUSAL


@given(many=st.lists(bodies(), min_size=10, max_size=10))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_it_agrees_with_pythons_parser(shared: Stage, many: list[bytes]) -> None:
    with shared.http() as http:
        found = [refused(http, body) for body in many]
    assert found == [not is_object(body) for body in many], many


NUMBERS = [
    "0",
    "-0",
    "10",
    "-1.50",
    "1e9",
    "1E+9",
    "1e-9",
    "00",
    "01",
    "-",
    "+1",
    ".5",
    "5.",
    "1e",
    "1e+",
    "--1",
    "0x1",
]
TEXTS = [
    *(r"\"", r"\\", r"\/", r"\b\f\n\r\t", r"\u00e9", r"\uD800", r"\u12g4", r"\u123", r"\x", "\x1f", "\x7f"),
    *("é", "\u20ac", "\U0001f600", "\ufeff"),
]
RAW = [
    b"\x80",
    b"\xc0\xaf",
    b"\xc1\xbf",
    b"\xe0\x80\x80",
    b"\xed\xa0\x80",
    b"\xf0\x80\x80\x80",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88",
    b"\xe2\x82",
]


@pytest.mark.parametrize(
    "body",
    [
        *(f'{{"a": {number}}}'.encode() for number in NUMBERS),
        *(f'{{"a": "{text}"}}'.encode() for text in TEXTS),
        *(b'{"' + raw + b'": 1}' for raw in RAW),
        *(b"", b" \t\r\n{}\n ", b"\x00{}", b"{}\x00", b"{}{}", b"[{}]", b"{1: 2}", b'{"a"}', b'{"a" 1}', b'{"a": }'),
        *(b"{,}", b'{"a": 1,}', b'{"a": [1,]}', b'{"a": [,1]}', b'{"a": [1 2]}', b'{"a": [1}', b'{"a": nul}'),
        *(b"\xef\xbb\xbf{}", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": true, "b": false, "c": null}', b'{"a": [{}]}'),
    ],
)  # fmt: skip
def test_it_knows_every_rule(shared: Stage, body: bytes) -> None:
    with shared.http() as http:
        assert refused(http, body) != is_object(body)


def test_it_ends_at_a_depth_that_no_request_needs(shared: Stage) -> None:
    """Triton's parser would call itself as often as a body says."""
    nested = [b'{"a": ' + b"[" * depth + b"]" * depth + b"}" for depth in (63, 64, 20_000)]
    with shared.http() as http:
        assert [refused(http, body) for body in nested] == [False, True, True]


def test_binary_and_compressed_bodies_are_not_read(shared: Stage) -> None:
    with shared.http() as http:
        assert not refused(http, b"\xff\xfe", **{"inference-header-content-length": "1"})
        assert not refused(http, b"\xff\xfe", **{"content-encoding": "gzip"})
        assert http.post(INFER, content=request_body()).status_code == 200
