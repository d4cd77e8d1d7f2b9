"""What Envoy says itself: errors in Triton's form, and the fallback in place of an answer that no version can give."""

import json

from model.contract import EMBEDDING_TIME, MISSING_INT64, SCORE
from serving.twin.envoy_routes import FALLBACK_HEADER, infer_path
from serving.twin.envoy_values import Json

FALLBACK = "default"
"""What the header and the answer's parameter `fallback` say: a stated default, nobody's prediction."""
_NO_ANSWER = ("UH", "UF", "UO", "UC", "UR", "UT", "LR", "URX")
"""Envoy's flags for a version that is down, overloaded, broke off or is too late."""


def replies(model_name: str, fallback_score: float | None) -> Json:
    """The body of the connection manager's `local_reply_config`."""
    mappers = [] if fallback_score is None else [_fallback(model_name, fallback_score)]
    return {"mappers": mappers, "body_format": {"json_format": {"error": "%LOCAL_REPLY_BODY%"}}}


def fallback_body(model_name: str, score: float) -> Json:
    """An answer of the V2 protocol with one row, marked as what it is."""
    return {
        "model_name": model_name,
        "model_version": "fallback",
        "parameters": {"fallback": FALLBACK},
        "outputs": [
            {"name": SCORE, "datatype": "FP32", "shape": [1, 1], "data": [score]},
            {"name": EMBEDDING_TIME, "datatype": "INT64", "shape": [1, 1], "data": [MISSING_INT64]},
        ],
    }


def _fallback(model_name: str, score: float) -> Json:
    """A model's own errors pass as they are: only it knows what they mean."""
    asked = {"header": {"name": ":path", "string_match": {"exact": infer_path(model_name)}}}
    text = json.dumps(fallback_body(model_name, score)).replace("%", "%%")
    return {
        "filter": {
            "and_filter": {"filters": [{"response_flag_filter": {"flags": list(_NO_ANSWER)}}, {"header_filter": asked}]}
        },
        "status_code": 200,
        "body_format_override": {"text_format_source": {"inline_string": text}, "content_type": "application/json"},
        "headers_to_add": [
            {
                "header": {"key": FALLBACK_HEADER, "value": FALLBACK},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
    }
