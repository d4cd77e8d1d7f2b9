"""What an application is told when there is no prediction: whose fault it was decides the kind of the error."""

from collections.abc import Mapping

import grpc
import httpx

from model.errors import UserError
from serving.client_wire import VERSION_HEADER

_HINTS = {
    401: "the token is missing, expired or signed by someone else: get a new one",
    403: "the token needs the endpoint's audience and the role `predict`",
    404: "the endpoint serves another model name than the contract's",
    413: "send fewer interactions; only the newest of each history are used",
    429: "the endpoint's rate limit is reached: send more slowly, and wait as `retry-after` says",
}
_STATUS_OF_CODE = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.UNIMPLEMENTED: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
}
_PASSING = (502, 503, 504)


class UnavailableError(Exception):
    """No answer in time, or a failure on the server's side; the same request may succeed later."""

    def __init__(self, message: str, *, may_pass: bool = False) -> None:
        """`may_pass`: nobody has computed anything, so the next attempt may find the endpoint well."""
        super().__init__(message)
        self.may_pass = may_pass


def no_connection(url: str, error: Exception) -> UnavailableError:
    """The request did not get there, or the answer did not get back."""
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return UnavailableError(f"{url} gave no answer in time")
    return UnavailableError(f"{url} cannot be reached: {error}", may_pass=True)


def http_refusal(answer: httpx.Response) -> Exception:
    """An answer that is no prediction; the model's own words name the field."""
    try:
        said = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        said = answer.text.strip()[:200]
    return _refusal(answer.status_code, str(said), answer.headers.get(VERSION_HEADER, "none"))


def grpc_refusal(url: str, error: grpc.RpcError, headers: Mapping[str, str]) -> Exception:
    """The same over gRPC."""
    code, said = error.code(), str(error.details())
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return UnavailableError(f"{url} gave no answer in time")
    if code is grpc.StatusCode.UNAVAILABLE and VERSION_HEADER not in headers:
        return UnavailableError(f"{url} cannot be reached: {said}", may_pass=True)
    return _refusal(_STATUS_OF_CODE.get(code, 500), said, headers.get(VERSION_HEADER, "none"))


def _refusal(status: int, said: str, version: str) -> Exception:
    text = f"the endpoint answered {status} (version {version}): {said}"
    if status >= 500:
        return UnavailableError(text, may_pass=status in _PASSING)
    return UserError(text, hint=_HINTS.get(status, "the message names what the model did not take"))
