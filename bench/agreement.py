"""Whether a contestant answers what the model says: nobody is measured who does not."""

import ssl
from typing import Any

import httpx
import numpy as np

from bench.step import Aim
from model.errors import UserError
from model.served.inputs import Float

TOLERANCE = 1e-4


def check_answers(name: str, aim: Aim, expected: Float) -> float:
    """Ask every body once; the largest difference.

    Raises:
        UserError: an answer is missing or differs by more than 1e-4.
    """
    scores = []
    verify = ssl.create_default_context(cafile=str(aim.ca)) if aim.ca else False
    with httpx.Client(verify=verify, timeout=30, trust_env=False) as client:
        for place, body in enumerate(aim.bodies):
            answer = client.post(
                f"{aim.url}/v2/models/{aim.model_name}/infer",
                content=body,
                headers={"authorization": f"Bearer {aim.token}", "content-type": "application/json"},
            )
            if answer.status_code != 200:
                raise UserError(f"{name} answers request {place} with {answer.status_code}: {answer.text[:300]}")
            scores.append(score_of(answer.json()))
    largest = float(np.abs(np.array(scores) - expected).max())
    if not largest <= TOLERANCE:
        raise UserError(f"{name} differs from the model by {largest:.2g}; at most {TOLERANCE:g} is allowed")
    return largest


def score_of(answer: dict[str, Any]) -> float:
    """Of an answer in the V2 protocol."""
    return next(float(output["data"][0]) for output in answer["outputs"] if output["name"] == "score")
