"""What an application calls: values of a request -> a score, over the endpoint's HTTPS."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from model.contract import EMBEDDING_TIME, MISSING_INT64, SCORE, PayloadContract
from model.errors import UserError
from model.payload import RequestValues, Value, v2_body
from serving.release_match import ENTITY_HEADER

VERSION_HEADER = "x-stillhouse-version"
FALLBACK_HEADER = "x-stillhouse-fallback"
_HINTS = {
    401: "the token is missing, expired or signed by someone else: get a new one",
    403: "the token needs the endpoint's audience and the role `predict`",
    404: "the endpoint serves another model name than the contract's",
    413: "send fewer interactions; only the newest of each history are used",
    429: "the endpoint's rate limit is reached: send more slowly, and wait as `retry-after` says",
}


class UnavailableError(Exception):
    """No answer in time, or a failure on the server's side; the same request may succeed later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """The endpoint's answer."""

    score: float
    """A probability for binary tasks, the value for regression."""
    embedding_time_ns: int | None
    """Cut-off of the embedding that was used; None where the entity has none."""
    version: str
    """Which version of the model answered, or should have."""
    is_fallback: bool = False
    """No version could answer: the score is the endpoint's stated default, nobody's prediction."""


class PredictionClient:
    """Keeps its connections open; close it or use it in a `with` block. Safe to share between threads."""

    def __init__(
        self, url: str, token: str, ca_path: Path | None, contract: PayloadContract, *, timeout_s: float = 1.0
    ) -> None:
        """Make a client; nothing is sent yet.

        Args:
            url: `https://host:port` of the endpoint.
            token: bearer token with the endpoint's audience and the role `predict`.
            ca_path: PEM file of the authority to trust; None trusts the system's.
            contract: of the served model.
            timeout_s: connecting, sending and waiting may each take so long.
        """
        self._contract = contract
        self._path = f"/v2/models/{contract.model_name}/infer"
        self._http = httpx.Client(
            base_url=url,
            # Answers are small: unpacking them would cost more than it saves.
            headers={"authorization": f"Bearer {token}", "accept-encoding": "identity"},
            verify=ssl.create_default_context(cafile=str(ca_path) if ca_path else None),
            timeout=timeout_s,
        )

    def predict(self, values: RequestValues) -> Prediction:
        """Ask for one prediction.

        Raises:
            UserError: the values do not fit the contract (names the field), or the token does not fit the endpoint.
            UnavailableError: the endpoint did not answer in time, or failed.
        """
        try:
            body = v2_body(self._contract, values)
            entity = entity_value(values.facts[self._contract.embedding_key])
            answer = self._http.post(self._path, json=body, headers={ENTITY_HEADER: entity})
        except httpx.TimeoutException as error:
            raise UnavailableError(f"{self._http.base_url} gave no answer in time") from error
        except httpx.TransportError as error:
            raise UnavailableError(f"{self._http.base_url} cannot be reached: {error}") from error
        if answer.status_code != 200:
            raise _refusal(answer)
        return _prediction(answer)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def entity_value(key: Value) -> str:
    """An entity's key as the header `x-stillhouse-entity` carries it: percent-encoded UTF-8.

    The endpoint sends the same entity to the same version, where its release file asks for that.
    """
    return quote(key if isinstance(key, bytes) else str(key), safe="")


def _prediction(answer: httpx.Response) -> Prediction:
    outputs: dict[str, Any] = {output["name"]: output["data"][0] for output in answer.json()["outputs"]}
    embedding_time_ns = int(outputs[EMBEDDING_TIME])
    return Prediction(
        score=float(outputs[SCORE]),
        embedding_time_ns=None if embedding_time_ns == MISSING_INT64 else embedding_time_ns,
        version=answer.headers.get(VERSION_HEADER, ""),
        is_fallback=FALLBACK_HEADER in answer.headers,
    )


def _refusal(answer: httpx.Response) -> Exception:
    """Whose fault it was decides the kind of the error; the model's own words name the field."""
    try:
        said = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        said = answer.text.strip()[:200]
    version = answer.headers.get(VERSION_HEADER, "none")
    text = f"the endpoint answered {answer.status_code} (version {version}): {said}"
    if answer.status_code >= 500:
        return UnavailableError(text)
    return UserError(text, hint=_HINTS.get(answer.status_code, "the message names what the model did not take"))
